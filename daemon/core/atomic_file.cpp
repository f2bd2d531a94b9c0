// SPDX-License-Identifier: GPL-2.0-only
#include "core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/fd.hpp"

namespace fief {
namespace {

constexpr mode_t kMode = 0644;
constexpr char kTemporary[] = ".fief-new";

Status checked(int result) {
  if (result != 0)
    return fail_errno(errno);
  return {};
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return fail_errno(errno);
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

// The mode is set whatever the umask says.
Status write_durably(int directory, std::string_view text) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd file(::openat(directory, kTemporary, kFlags, kMode));
  if (!file)
    return fail_errno(errno);
  return write_all(file.get(), text)
      .and_then([&file] { return checked(::fchmod(file.get(), kMode)); })
      .and_then([&file] { return checked(::fsync(file.get())); });
}

}  // namespace

Status replace_file(const std::string& directory, const std::string& name, std::string_view text) {
  const auto at = open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
  if (!at)
    return tl::unexpected(at.error());
  auto status = write_durably(at->get(), text).and_then([&] {
    return checked(::renameat(at->get(), kTemporary, at->get(), name.c_str()));
  });
  if (!status)
    ::unlinkat(at->get(), kTemporary, 0);
  return status.and_then([&at] { return checked(::fsync(at->get())); });
}

Status remove_file(const std::string& directory, const std::string& name) {
  const auto at = open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
  if (!at)
    return tl::unexpected(at.error());
  if (::unlinkat(at->get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return fail_errno(errno);
  return checked(::fsync(at->get()));
}

}  // namespace fief
