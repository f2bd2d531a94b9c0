// SPDX-License-Identifier: GPL-2.0-only
#include "core/background_sink.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "core/message_ids.hpp"

namespace fief::log {
namespace {

std::size_t size_of(const Record& record) {
  const auto& fields = record.fields;
  return sizeof(Record) + record.message.size() + fields.cgroup.size() + fields.scheduler.size() +
         fields.sender.size() + fields.dump.size();
}

Record loss_of(std::uint64_t count) {
  return {.level = Level::warning,
          .message = fmt::format("{} log entries were lost: the log took none for a while", count),
          .fields = {.message_id = message::kLogLost}};
}

}  // namespace

class BackgroundSink::Queue {
 public:
  Queue(std::unique_ptr<Sink> inner, std::size_t limit) : inner_(std::move(inner)), limit_(limit) {}

  void push(const Record& record) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(record);
    bytes_ += size_of(record);
    for (; bytes_ > limit_ && waiting_.size() > 1; ++lost_)
      static_cast<void>(take_first());
    changed_.notify_all();
  }

  /// Nothing more comes. False if something is still to be written at @p deadline.
  bool close(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
    return changed_.wait_until(lock, deadline, [this] { return drained_; });
  }

  /// Writes what comes until the queue is closed and empty.
  void run() {
    while (const auto record = next())
      inner_->write(*record);
    const std::scoped_lock lock(mutex_);
    drained_ = true;
    changed_.notify_all();
  }

 private:
  std::optional<Record> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || lost_ > 0 || !waiting_.empty(); });
    if (!waiting_.empty())
      return take_first();
    // Not before: whoever takes one entry may be about to be stuck again.
    if (const auto lost = std::exchange(lost_, 0); lost > 0)
      return loss_of(lost);
    return std::nullopt;
  }

  Record take_first() {
    auto record = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= size_of(record);
    return record;
  }

  std::unique_ptr<Sink> inner_;
  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Record> waiting_;
  std::size_t bytes_ = 0;  ///< of waiting_
  std::uint64_t lost_ = 0;
  bool closed_ = false;
  bool drained_ = false;
};

// Detached, since it may be stuck at the end; it holds all that it uses.
BackgroundSink::BackgroundSink(std::unique_ptr<Sink> inner, Limits limits)
    : limits_(limits), queue_(std::make_shared<Queue>(std::move(inner), limits.bytes)) {
  std::thread([queue = queue_] { queue->run(); }).detach();
}

BackgroundSink::~BackgroundSink() {
  static_cast<void>(queue_->close(std::chrono::steady_clock::now() + limits_.farewell));
}

void BackgroundSink::write(const Record& record) {
  queue_->push(record);
}

}  // namespace fief::log
