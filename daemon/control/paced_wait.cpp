// SPDX-License-Identifier: GPL-2.0-only
#include "control/paced_wait.hpp"

#include <algorithm>

namespace fief {

void PacedWait::start(int descriptor) {
  descriptor_.assign(descriptor);
  wait();
}

void PacedWait::stop() {
  timer_.cancel();
  release();
}

void PacedWait::release() {
  if (descriptor_.is_open())
    descriptor_.release();
}

// Not while it pauses: a descriptor that stays readable would be found so again and again.
void PacedWait::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (!error)
                             pause(look());
                         });
}

PacedWait::Pause PacedWait::look() {
  const auto began = std::chrono::steady_clock::now();
  const auto wish = look_();
  const auto now = std::chrono::steady_clock::now();
  time_.spend(now - began, began);
  return std::max(wish, std::chrono::ceil<Pause>(time_.pause(now)));
}

void PacedWait::pause(Pause length) {
  if (!descriptor_.is_open())
    return;
  if (length <= Pause{})
    return wait();
  timer_.expires_after(length);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error)
      wait();
  });
}

}  // namespace fief
