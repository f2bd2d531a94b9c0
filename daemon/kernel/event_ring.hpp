// SPDX-License-Identifier: GPL-2.0-only
// The BPF event ring on the loop: waits without polling, decodes, hands on.
#pragma once

#include <bpf/libbpf.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

#include "core/result.hpp"
#include "events/event.hpp"
#include "kernel/libbpf_handles.hpp"

namespace fief {

class EventRing {
 public:
  using Sink = std::function<void(const Event&)>;

  /// Watches the ring map @p map_fd; @p sink runs on @p loop for each record that decodes.
  static Result<std::unique_ptr<EventRing>> open(boost::asio::io_context& loop, int map_fd,
                                                 Sink sink);
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;
  ~EventRing();

  /// Hands over what is in the ring now.
  void take();

 private:
  EventRing(boost::asio::io_context& loop, Sink sink) : readable_(loop), sink_(std::move(sink)) {}
  static int on_record(void* self, void* data, std::size_t size);
  void wait();

  // The ring owns its epoll descriptor; readable_ must let go of it first.
  BpfPtr<ring_buffer> ring_;
  boost::asio::posix::stream_descriptor readable_;
  Sink sink_;
};

}  // namespace fief
