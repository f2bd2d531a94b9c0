// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/event_ring.hpp"

#include <cerrno>
#include <cstring>
#include <span>

namespace fief {

Result<std::unique_ptr<EventRing>> EventRing::open(boost::asio::io_context& loop, int map_fd,
                                                   Sink sink) {
  std::unique_ptr<EventRing> self(new EventRing(loop, std::move(sink)));
  self->ring_.reset(ring_buffer__new(map_fd, on_record, self.get(), nullptr));
  if (!self->ring_)
    return fail(Errc::kernel, "cannot read the event ring: {}", std::strerror(errno));
  self->readable_.assign(ring_buffer__epoll_fd(self->ring_.get()));
  self->wait();
  return self;
}

EventRing::~EventRing() {
  readable_.release();
}

int EventRing::on_record(void* self, void* data, std::size_t size) {
  const auto record = std::span(static_cast<const std::byte*>(data), size);
  // A record that does not decode comes from objects of another version, which were refused.
  if (const auto event = decode_event(record))
    static_cast<EventRing*>(self)->sink_(*event);
  return 0;
}

void EventRing::take() {
  ring_buffer__consume(ring_.get());
}

void EventRing::wait() {
  readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error)
                           return;
                         take();
                         wait();
                       });
}

}  // namespace fief
