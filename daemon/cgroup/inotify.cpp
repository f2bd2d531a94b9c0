// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/inotify.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace fief {
namespace {

/// Takes one read's worth of records apart.
void append_events(std::span<const char> bytes, std::vector<InotifyEvent>& events) {
  while (bytes.size() >= sizeof(inotify_event)) {
    inotify_event header{};
    std::memcpy(&header, bytes.data(), sizeof(header));
    bytes = bytes.subspan(sizeof(header));
    // The kernel pads the name with NULs.
    const auto* name = bytes.data();
    events.push_back({header.wd, header.mask, std::string(name, ::strnlen(name, header.len))});
    bytes = bytes.subspan(header.len);
  }
}

}  // namespace

Result<Inotify> Inotify::open() {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd && errno == EMFILE)
    return fail(Errc::io, "no inotify instance is left; raise fs.inotify.max_user_instances");
  if (!fd)
    return fail_errno(errno);
  return Inotify(std::move(fd));
}

Result<int> Inotify::watch(int directory, std::string_view file, std::uint32_t mask) {
  const auto path = fmt::format("/proc/self/fd/{}/{}", directory, file);
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask);
  if (watch < 0 && errno == ENOSPC)
    return fail(Errc::io, "too many cgroups to watch; raise fs.inotify.max_user_watches");
  if (watch < 0)
    return fail_errno(errno);
  return watch;
}

void Inotify::unwatch(int watch) {
  ::inotify_rm_watch(fd_.get(), watch);
}

Result<std::vector<InotifyEvent>> Inotify::read() {
  std::vector<InotifyEvent> events;
  std::array<char, 16384> buffer;
  while (true) {
    const auto got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return events;
    if (got < 0)
      return fail_errno(errno);
    append_events({buffer.data(), static_cast<std::size_t>(got)}, events);
  }
}

}  // namespace fief
