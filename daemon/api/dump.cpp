// SPDX-License-Identifier: GPL-2.0-only
#include "api/dump.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "status/policy_json.hpp"
#include "status/view_json.hpp"

namespace fief {
namespace {

constexpr int kIndent = 2;
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

std::string dump_text(const StatusView& status, const ShownPolicy& policy) {
  return fmt::format("# fiefd {}\n\n# status\n{}\n\n# policy\n{}\n", status.version,
                     to_json(status, kIndent), to_json(policy, kIndent));
}

// A write to memory is never a part.
Result<UniqueFd> as_descriptor(const std::string& text) {
  UniqueFd memory(::memfd_create("fief-dump", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ::write(memory.get(), text.data(), text.size()) < 0 ||
      ::lseek(memory.get(), 0, SEEK_SET) < 0 || ::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0)
    return fail_errno(errno);
  return memory;
}

}  // namespace fief
