// SPDX-License-Identifier: GPL-2.0-only
#include "backend/holds.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace fief {
namespace {

// Each takes a descriptor of the daemon.
constexpr std::size_t kMaxHolds = 512;

}  // namespace

Result<Holds::Opened> Holds::open() {
  if (watched_.size() >= kMaxHolds)
    return fail(Errc::busy, "{} boosts are held already", kMaxHolds);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return fail_errno(errno);
  const auto id = ++last_;
  watched_.emplace(id, boost::asio::posix::stream_descriptor(io_, ends[0]));
  watch(id);
  return Opened{id, UniqueFd(ends[1])};
}

// Readable means that every writer is gone, or that one writes, which nobody has reason to: either
// ends it. An erased hold cancels its wait.
void Holds::watch(Id id) {
  watched_.at(id).async_wait(boost::asio::posix::stream_descriptor::wait_read,
                             [this, id](const boost::system::error_code& error) {
                               if (!error && watched_.erase(id) > 0)
                                 ended_(id);
                             });
}

}  // namespace fief
