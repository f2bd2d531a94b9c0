// SPDX-License-Identifier: GPL-2.0-only
#include "core/trusted_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "core/fd.hpp"

namespace fief {
namespace {

enum class Owner : bool { anybody, root };

/// Why a file must not be read as what it is to be, or "".
std::string distrust(const struct stat& status, Owner wanted) {
  if (!S_ISREG(status.st_mode))
    return "is not a regular file";
  if (wanted == Owner::anybody)
    return "";
  if (status.st_uid != 0)
    return fmt::format("belongs to user {}, not to root; chown root it", status.st_uid);
  const bool group_writes = (status.st_mode & S_IWGRP) != 0 && status.st_gid != 0;
  if ((status.st_mode & S_IWOTH) != 0 || group_writes)
    return "can be written by others than root; chmod go-w it";
  return "";
}

Result<std::string> read_file(const std::string& path, std::size_t limit, Owner wanted) {
  // O_NONBLOCK: a FIFO in the place of a file must not hang the reader.
  const auto fd = open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK);
  if (!fd)
    return context("cannot be read", fd.error());
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0)
    return fail_errno(errno);
  if (const auto reason = distrust(status, wanted); !reason.empty())
    return fail(Errc::denied, "{}", reason);
  auto text = read_all(fd->get(), limit);
  if (!text)
    return context("cannot be read", text.error());
  return text;
}

}  // namespace

Result<std::string> read_regular_file(const std::string& path, std::size_t limit) {
  return read_file(path, limit, Owner::anybody);
}

Result<std::string> read_file_of_root(const std::string& path, std::size_t limit) {
  return read_file(path, limit, Owner::root);
}

}  // namespace fief
