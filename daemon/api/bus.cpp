// SPDX-License-Identifier: GPL-2.0-only
#include "api/bus.hpp"

#include <poll.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/thread_time.hpp"

namespace fief::dbus {
namespace {

using boost::asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr int kMessagesPerTurn = 64;

// RequestName's answers, D-Bus specification.
constexpr std::uint32_t kPrimaryOwner = 1;
constexpr std::uint32_t kAlreadyOwner = 4;

}  // namespace

Bus::Bus(boost::asio::io_context& io, std::string name, Hooks hooks)
    : io_(io),
      name_(std::move(name)),
      hooks_(std::move(hooks)),
      descriptor_(io),
      timer_(io),
      retry_(io) {}

// Its handlers expire with the token. The fd is the connection's to close.
Bus::~Bus() {
  if (descriptor_.is_open())
    descriptor_.release();
}

// Asio may run a handler after its operation was cancelled, or after this object is gone.
template <class Handler>
auto Bus::while_current(Handler handler) {
  return [token = std::weak_ptr(token_), handler = std::move(handler)](auto... args) {
    if (!token.expired())
      handler(args...);
  };
}

void Bus::start() {
  backoff_.reset();
  connect();
}

void Bus::stop() {
  retry_.cancel();
  close();
}

void Bus::connect() {
  token_ = std::make_shared<std::monostate>();
  if (const auto opened = open(); !opened)
    failure_ = opened.error();
  if (failure_)
    lose();
  else
    run_turn();
}

// Nothing here waits: authentication, Hello and the name are answered in later turns.
Status Bus::open() {
  sd_bus* bus = nullptr;
  const int opened = sd_bus_open_system(&bus);
  bus_.reset(bus);
  if (opened < 0)
    return checked(opened, "cannot connect to the system bus");
  if (auto registered = hooks_.connected(*bus); !registered)
    return registered;
  sd_bus_slot* slot = nullptr;
  const int asked = sd_bus_request_name_async(bus, &slot, name_.c_str(), 0, on_name_reply, this);
  name_slot_.reset(slot);
  if (asked < 0)
    return checked(asked, "cannot ask for the bus name");
  descriptor_.assign(sd_bus_get_fd(bus));
  return {};
}

int Bus::on_name_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto& self = *static_cast<Bus*>(userdata);
  std::uint32_t answer = 0;
  if (const auto* error = sd_bus_message_get_error(reply); error != nullptr)
    self.failure_ = Error{
        .code = Errc::denied,
        .message = fmt::format("the bus refused the name {}: {}", self.name_, error->message)};
  else if (sd_bus_message_read(reply, "u", &answer) < 0 ||
           (answer != kPrimaryOwner && answer != kAlreadyOwner))
    self.failure_ =
        Error{.code = Errc::busy,
              .message = fmt::format("another process owns the bus name {}", self.name_)};
  if (self.failure_)
    return 0;
  self.backoff_.reset();
  self.outage_reported_ = false;
  self.hooks_.acquired();
  return 0;
}

void Bus::run_turn() {
  ++turn_;
  for (int handled = 0; handled < kMessagesPerTurn && !failure_; ++handled) {
    const auto began = thread_time();
    const int result = sd_bus_process(bus_.get(), nullptr);
    hooks_.processed(thread_time() - began);
    if (result < 0)
      failure_ =
          Error{.code = Errc::io, .message = fmt::format("lost the bus: {}", errno_text(result))};
    if (result <= 0)
      break;
  }
  arm();
}

void Bus::touched() {
  if (touched_ || !bus_)
    return;
  touched_ = true;
  boost::asio::post(io_, while_current([this] {
                      touched_ = false;
                      arm();
                    }));
}

// While received messages wait, sd-bus gives a deadline of 0: the next turn follows at once, after
// whatever else the loop has to do.
void Bus::arm() {
  std::uint64_t deadline_usec = UINT64_MAX;
  const int events = failure_ ? 0 : sd_bus_get_events(bus_.get());
  const int timed = failure_ ? 0 : sd_bus_get_timeout(bus_.get(), &deadline_usec);
  if (!failure_ && (events < 0 || timed < 0))
    failure_ =
        Error{.code = Errc::io,
              .message = fmt::format("lost the bus: {}", errno_text(std::min(events, timed)))};
  if (failure_)
    return lose();
  if ((events & POLLIN) != 0)
    wait_for(stream_descriptor::wait_read, reading_);
  if ((events & POLLOUT) != 0)
    wait_for(stream_descriptor::wait_write, writing_);
  arm_timer(deadline_usec);
}

void Bus::wait_for(stream_descriptor::wait_type type, bool& waiting) {
  if (std::exchange(waiting, true))
    return;
  descriptor_.async_wait(type, while_current([this, &waiting](error_code) {
                           waiting = false;
                           run_turn();
                         }));
}

// The deadline is absolute on CLOCK_MONOTONIC, which is what steady_clock reads.
void Bus::arm_timer(std::uint64_t deadline_usec) {
  if (deadline_usec == deadline_usec_ && deadline_usec != 0)
    return;
  deadline_usec_ = deadline_usec;
  timer_.cancel();
  if (deadline_usec == UINT64_MAX)
    return;
  const auto since_boot = std::chrono::microseconds{deadline_usec};
  timer_.expires_at(std::chrono::steady_clock::time_point{since_boot});
  timer_.async_wait(while_current([this](error_code error) {
    if (error)
      return;
    deadline_usec_ = UINT64_MAX;
    run_turn();
  }));
}

void Bus::lose() {
  const Error why = *std::exchange(failure_, std::nullopt);
  close();
  if (!std::exchange(outage_reported_, true))
    hooks_.lost(why);
  retry_.expires_after(backoff_.next());
  token_ = std::make_shared<std::monostate>();
  retry_.async_wait(while_current([this](error_code error) {
    if (!error)
      connect();
  }));
}

void Bus::close() {
  token_.reset();
  timer_.cancel();
  deadline_usec_ = UINT64_MAX;
  if (descriptor_.is_open())
    descriptor_.release();
  name_slot_.reset();
  bus_.reset();
  failure_.reset();
  reading_ = writing_ = touched_ = false;
}

}  // namespace fief::dbus
