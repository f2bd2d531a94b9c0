// SPDX-License-Identifier: GPL-2.0-only
#include "control/paced_wait.hpp"

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
                             pause(look_());
                         });
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
