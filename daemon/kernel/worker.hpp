// SPDX-License-Identifier: GPL-2.0-only
// A thread of its own for what blocks: loading, attaching and detaching schedulers, one after the
// other in the order asked for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <stop_token>

#include "core/result.hpp"
#include "kernel/scheduler_loader.hpp"
#include "kernel/scheduler_object.hpp"

namespace fief {

class Worker {
 public:
  using Attached = std::function<void(Result<SchedulerObject>)>;
  /// Ends what stands where a verified scheduler is to be attached.
  using MakeRoom = std::function<Status()>;

  /// Outcomes are handed over on @p loop, which runs until they have been.
  explicit Worker(boost::asio::io_context& loop) : loop_(loop) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for what is under way and for every detach. What is not attached by then will not be:
  /// nobody is left to take it.
  ~Worker();

  void attach(SchedulerSpec spec, MakeRoom make_room, Attached attached);
  /// A failure is logged.
  void detach(SchedulerObject object);

 private:
  boost::asio::io_context& loop_;
  std::stop_source stop_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace fief
