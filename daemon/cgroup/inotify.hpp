// SPDX-License-Identifier: GPL-2.0-only
// inotify as values: watches on what is open, events as a list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.hpp"
#include "core/result.hpp"

namespace fief {

struct InotifyEvent {
  int watch = -1;  ///< -1 for an overflow of the queue
  std::uint32_t mask = 0;
  std::string name;  ///< of the entry concerned, in a watched directory
};

class Inotify {
 public:
  /// Non-blocking. Errc::io, naming the sysctl, when no instance is left.
  static Result<Inotify> open();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Watches @p file in the open @p directory, "" for the directory itself: by descriptor, so it
  /// is the very directory that was opened. The same file again gives the same number.
  /// Errc::not_found if it is gone; Errc::io, naming the sysctl, when no watch is left.
  Result<int> watch(int directory, std::string_view file, std::uint32_t mask);
  /// Ends a watch; one the kernel has ended already is fine.
  void unwatch(int watch);
  /// Everything queued so far, without blocking.
  Result<std::vector<InotifyEvent>> read();

 private:
  explicit Inotify(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace fief
