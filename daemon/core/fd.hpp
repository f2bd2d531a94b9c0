// SPDX-License-Identifier: GPL-2.0-only
// An owned file descriptor: closed exactly once, moved but never copied.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace fief {

class UniqueFd {
 public:
  UniqueFd() = default;
  /// Takes ownership; a negative @p fd means none.
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    // release() first: a move onto itself must not close what it keeps.
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  /// The descriptor, or -1.
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what it holds and holds @p fd instead.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// Opens @p path relative to the directory @p at (or AT_FDCWD), with O_CLOEXEC added to @p flags.
/// Errc::not_found, Errc::denied or Errc::io with the reason; the message does not name the path.
Result<UniqueFd> open_at(int at, std::string_view path, int flags);

/// Reads from the current offset to the end of @p fd, at most @p limit bytes.
/// Errc::not_found if the file's object has gone (ENODEV, as kernfs answers for a removed cgroup),
/// Errc::invalid if there is more than @p limit, Errc::io otherwise.
Result<std::string> read_all(int fd, std::size_t limit);

/// The text of the file @p path, of whatever kind, at most @p limit bytes. Errors as of open_at()
/// and read_all(); the message does not name the path.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// The failure that errno stands for: ENOENT, ENODEV, ENOTDIR → not_found, EACCES, EPERM → denied,
/// others → io. @p error is a positive errno.
tl::unexpected<Error> fail_errno(int error);

}  // namespace fief
