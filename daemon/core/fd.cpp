// SPDX-License-Identifier: GPL-2.0-only
#include "core/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace fief {
namespace {

Errc code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENOTDIR:
      return Errc::not_found;
    case EACCES:
    case EPERM:
      return Errc::denied;
    default:
      return Errc::io;
  }
}

}  // namespace

void UniqueFd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  // Nothing written through these descriptors is buffered, so a failing close loses nothing; on
  // Linux the descriptor is gone even then.
  if (old >= 0)
    ::close(old);
}

tl::unexpected<Error> fail_errno(int error) {
  return fail(code_of(error), "{}", std::generic_category().message(error));
}

Result<UniqueFd> open_at(int at, std::string_view path, int flags) {
  const std::string terminated(path);
  UniqueFd fd(::openat(at, terminated.c_str(), flags | O_CLOEXEC));
  if (!fd)
    return fail_errno(errno);
  return fd;
}

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string text;
  std::array<char, 4096> chunk;
  while (true) {
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail_errno(errno);
    if (got == 0)
      return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit)
      return fail(Errc::invalid, "it is longer than {} bytes", limit);
  }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  return open_at(AT_FDCWD, path, O_RDONLY).and_then([limit](const UniqueFd& file) {
    return read_all(file.get(), limit);
  });
}

}  // namespace fief
