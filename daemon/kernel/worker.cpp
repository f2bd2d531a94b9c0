// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/worker.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <memory>
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

// Verified first: what is to make room goes only when its successor is sure to load.
Result<SchedulerObject> load_and_attach(const SchedulerSpec& spec,
                                        const Worker::MakeRoom& make_room,
                                        const std::stop_token& stop) {
  if (const auto wanted = check_wanted(stop); !wanted)
    return tl::unexpected(wanted.error());
  auto loader = SchedulerLoader::load(spec);
  if (!loader)
    return tl::unexpected(loader.error());
  const auto clear = check_wanted(stop).and_then([&make_room] { return make_room(); });
  if (!clear)
    return tl::unexpected(clear.error());
  return std::move(*loader).attach();
}

}  // namespace

Worker::~Worker() {
  stop_.request_stop();
  thread_.join();
}

// The work guard keeps the loop running until the outcome has been handed over.
void Worker::attach(SchedulerSpec spec, MakeRoom make_room, Attached attached) {
  auto guard = boost::asio::make_work_guard(loop_);
  boost::asio::post(thread_, [&loop = loop_, stop = stop_.get_token(), spec = std::move(spec),
                              make_room = std::move(make_room), attached = std::move(attached),
                              guard = std::move(guard)]() mutable {
    adopt_main_thread_priority();
    auto object = std::make_shared<Result<SchedulerObject>>(load_and_attach(spec, make_room, stop));
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
