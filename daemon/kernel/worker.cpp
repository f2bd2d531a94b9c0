// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/worker.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <thread>
#include <utility>

#include "core/log.hpp"

namespace fief {
namespace {

/// Gives the calling thread the main thread's scheduling class: the loader must not be starved by
/// the very schedulers it loads.
void adopt_main_thread_priority() {
  sched_param parameters{};
  const int policy = sched_getscheduler(getpid());
  if (policy < 0 || sched_getparam(getpid(), &parameters) != 0)
    return;
  (void)pthread_setschedparam(pthread_self(), policy, &parameters);
}

Status check_wanted(const std::stop_token& stop) {
  return stop.stop_requested() ? fail(Errc::stale, "the daemon is stopping") : Status{};
}

/// At most half of the CPUs verify, and no more than are of use: the kernel attaches one by one.
std::size_t loaders() {
  constexpr unsigned kMostLoaders = 4;
  return std::clamp(std::thread::hardware_concurrency() / 2, 1U, kMostLoaders);
}

// Verified first: what is to make room goes only when its successor is sure to load.
Result<SchedulerObject> attach_loaded(Result<SchedulerLoader> loader,
                                      const Worker::MakeRoom& make_room,
                                      const std::stop_token& stop) {
  if (!loader)
    return tl::unexpected(loader.error());
  const auto clear = check_wanted(stop).and_then([&make_room] { return make_room(); });
  if (!clear)
    return tl::unexpected(clear.error());
  return std::move(*loader).attach();
}

}  // namespace

Worker::Worker(boost::asio::io_context& loop)
    : loop_(loop), nr_loaders_(loaders()), loaders_(nr_loaders_) {}

// The one thread waits for what the others load.
Worker::~Worker() {
  stop_.request_stop();
  thread_.join();
  loaders_.join();
}

Worker::Loading Worker::load(SchedulerSpec spec) {
  auto task = std::make_shared<std::packaged_task<Result<SchedulerLoader>()>>(
      [spec = std::move(spec), stop = stop_.get_token()] {
        adopt_main_thread_priority();
        return check_wanted(stop).and_then([&spec] { return SchedulerLoader::load(spec); });
      });
  auto loading = task->get_future();
  boost::asio::post(loaders_, [task = std::move(task)] { (*task)(); });
  return loading;
}

void Worker::expect(const std::vector<SchedulerSpec>& soon) {
  std::erase_if(ahead_, [&soon](const Ahead& ahead) {
    return std::ranges::find(soon, ahead.spec) == soon.end();
  });
  for (const auto& spec : soon) {
    if (ahead_.size() == nr_loaders_)
      return;
    if (std::ranges::find(ahead_, spec, &Ahead::spec) == ahead_.end())
      ahead_.push_back({.spec = spec, .loading = load(spec)});
  }
}

Worker::Loading Worker::loading_of(const SchedulerSpec& spec) {
  const auto found = std::ranges::find(ahead_, spec, &Ahead::spec);
  if (found == ahead_.end())
    return load(spec);
  auto loading = std::move(found->loading);
  ahead_.erase(found);
  return loading;
}

// The work guard keeps the loop running until the outcome has been handed over.
void Worker::attach(const SchedulerSpec& spec, MakeRoom make_room, Attached attached) {
  auto guard = boost::asio::make_work_guard(loop_);
  boost::asio::post(thread_, [&loop = loop_, stop = stop_.get_token(), loading = loading_of(spec),
                              make_room = std::move(make_room), attached = std::move(attached),
                              guard = std::move(guard)]() mutable {
    adopt_main_thread_priority();
    auto object =
        std::make_shared<Result<SchedulerObject>>(attach_loaded(loading.get(), make_room, stop));
    boost::asio::post(loop, [object, attached = std::move(attached), guard = std::move(guard)] {
      attached(std::move(*object));
    });
  });
}

void Worker::detach(SchedulerObject object) {
  auto shared = std::make_shared<SchedulerObject>(std::move(object));
  boost::asio::post(thread_, [shared = std::move(shared)] {
    adopt_main_thread_priority();
    if (const auto ended = std::move(*shared).end(); !ended)
      log::error({}, "{}", ended.error());
  });
}

}  // namespace fief
