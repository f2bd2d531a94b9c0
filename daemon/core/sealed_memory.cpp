// SPDX-License-Identifier: GPL-2.0-only
#include "core/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace fief {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

// A write to memory is never a part.
Result<UniqueFd> sealed_memory(const char* name, std::string_view text) {
  UniqueFd memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ::write(memory.get(), text.data(), text.size()) < 0 ||
      ::lseek(memory.get(), 0, SEEK_SET) < 0 || ::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0)
    return fail_errno(errno);
  return memory;
}

}  // namespace fief
