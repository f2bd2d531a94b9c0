// SPDX-License-Identifier: GPL-2.0-only
// Keeps whoever logs from waiting for the log: records are written by a thread of their own.
//
// Not spdlog's asynchronous logger: its queue is bounded in messages, not in bytes, and an exit
// dump is a hundred times a sentence; it carries text only, no fields; and its end waits for a
// journal that is stuck.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "core/log.hpp"

namespace fief::log {

class BackgroundSink final : public Sink {
 public:
  struct Limits {
    std::size_t bytes = std::size_t{512} * 1024;  ///< of records that wait
    std::chrono::milliseconds farewell{2000};     ///< how long the end waits for them
  };

  /// @p inner may block for as long as it likes; it is used by one thread at a time.
  explicit BackgroundSink(std::unique_ptr<Sink> inner)
      : BackgroundSink(std::move(inner), Limits{}) {}
  BackgroundSink(std::unique_ptr<Sink> inner, Limits limits);
  BackgroundSink(const BackgroundSink&) = delete;
  BackgroundSink& operator=(const BackgroundSink&) = delete;
  /// Returns when everything was written, or after the farewell: then the rest is lost, and a
  /// write that is stuck is left to itself.
  ~BackgroundSink() override;

  /// Never waits for @p inner. Beyond the limit the oldest records that wait are lost; how many is
  /// written once all others have been.
  void write(const Record& record) override;

 private:
  class Queue;
  Limits limits_;
  std::shared_ptr<Queue> queue_;  ///< the thread's, too
};

}  // namespace fief::log
