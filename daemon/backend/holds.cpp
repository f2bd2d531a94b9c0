// SPDX-License-Identifier: GPL-2.0-only
#include "backend/holds.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fief {
namespace {

// Each takes a descriptor of the daemon. Root has a part that others cannot take.
constexpr std::ptrdiff_t kMaxOfOneUser = 32;
constexpr std::ptrdiff_t kMaxOfUsers = 256;
constexpr std::ptrdiff_t kMaxOfRoot = 256;

}  // namespace

Status Holds::check_room(uid_t uid) const {
  const auto own =
      std::ranges::count_if(watched_, [uid](const auto& entry) { return entry.second.uid == uid; });
  if (own >= (uid == 0 ? kMaxOfRoot : kMaxOfOneUser))
    return fail(Errc::busy, "uid {} holds {} boosts already", uid, own);
  const auto of_users =
      std::ranges::count_if(watched_, [](const auto& entry) { return entry.second.uid != 0; });
  if (uid != 0 && of_users >= kMaxOfUsers)
    return fail(Errc::busy, "users hold {} boosts already", of_users);
  return {};
}

Result<Holds::Opened> Holds::open(uid_t uid) {
  if (const auto room = check_room(uid); !room)
    return tl::unexpected(room.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return fail_errno(errno);
  const auto id = ++last_;
  watched_.emplace(
      id, Hold{.uid = uid, .descriptor = boost::asio::posix::stream_descriptor(io_, ends[0])});
  watch(id);
  return Opened{id, UniqueFd(ends[1])};
}

// Readable means that every writer is gone, or that one writes, which nobody has reason to: either
// ends it. An erased hold cancels its wait.
void Holds::watch(Id id) {
  watched_.at(id).descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                        [this, id](const boost::system::error_code& error) {
                                          if (!error && watched_.erase(id) > 0)
                                            ended_(id);
                                        });
}

}  // namespace fief
