// SPDX-License-Identifier: GPL-2.0-only
// What the service manager is about to do with this service. systemd itself is asked, on the socket
// that it has for root, so that the answer does not depend on a message bus; without that socket,
// on the bus.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <thread>

namespace fief {

class ServiceManager {
 public:
  /// @p io outlives this object.
  explicit ServiceManager(boost::asio::io_context& io) : io_(io) {}
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  /// Waits for a question that is under way: sd-bus gives up after 25 s.
  ~ServiceManager() = default;

  /// Whether it stops this service to start it again. A thread asks, so that the loop waits for
  /// nobody, and @p then is called on the loop. Without a manager, a job or an answer, it does not.
  /// Asking again while a question is under way asks nothing.
  void ask_whether_restarting(std::function<void(bool restarting)> then);

 private:
  boost::asio::io_context& io_;
  std::jthread asks_;
};

}  // namespace fief
