// SPDX-License-Identifier: GPL-2.0-only
// Threads for what blocks. Schedulers are attached and detached one after the other, in the order
// asked for: the kernel does one at a time. Before that they are loaded, which is verified, and
// that several can be at once, also ahead of their turn.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <future>
#include <stop_token>
#include <vector>

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
  explicit Worker(boost::asio::io_context& loop);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for what is under way and for every detach. What is not attached by then will not be:
  /// nobody is left to take it.
  ~Worker();

  /// What attach() will be called for next, in that order: as many are loaded ahead as there are
  /// threads for it. What is not among them any more was loaded for nothing.
  void expect(const std::vector<SchedulerSpec>& soon);
  void attach(const SchedulerSpec& spec, MakeRoom make_room, Attached attached);
  /// A failure is logged.
  void detach(SchedulerObject object);

 private:
  using Loading = std::future<Result<SchedulerLoader>>;
  struct Ahead {
    SchedulerSpec spec;
    Loading loading;
  };

  [[nodiscard]] Loading load(SchedulerSpec spec);
  [[nodiscard]] Loading loading_of(const SchedulerSpec& spec);

  boost::asio::io_context& loop_;
  std::stop_source stop_;
  std::vector<Ahead> ahead_;
  std::size_t nr_loaders_;
  boost::asio::thread_pool loaders_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace fief
