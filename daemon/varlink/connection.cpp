// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "core/thread_time.hpp"
#include "fief/varlink_names.hpp"

namespace fief::varlink {
namespace {

using boost::system::error_code;

// Many of one user wait for the same moment.
constexpr std::chrono::milliseconds kLeastPause{1};
// What a call costs beside what can be seen of it: this loop's way there and back.
constexpr std::chrono::microseconds kLeastCost{20};
constexpr std::size_t kMaxCall = 64U << 10;  // bytes, far above any policy key

// @p no_tenant: why the peer may not do it as the owner of a cgroup, "" for what no owner may.
std::string refusal(const std::string& no_tenant) {
  return no_tenant.empty() ? "only root may do this" : no_tenant + "; or ask as root";
}

}  // namespace

Connection::Connection(Socket socket, Sender peer, Shared& shared)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      shared_(shared),
      account_(peer_.uid == 0 ? std::string{} : account_of(peer_.uid)),
      turn_(socket_.get_executor()) {}

// A socket that goes is closed, whatever that answers.
void Connection::close() {
  const Socket gone(std::move(socket_));
  turn_.cancel();
  boost_.reset();
}

// A call longer than the buffer ends the connection, as any other failure to read does.
void Connection::read() {
  idle_ = true;
  boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(input_, kMaxCall), '\0',
                                [self = shared_from_this()](error_code error, std::size_t length) {
                                  if (error)
                                    return self->close();
                                  self->idle_ = false;
                                  self->heard_ = std::chrono::steady_clock::now();
                                  auto text = self->input_.substr(0, length - 1);
                                  self->input_.erase(0, length);
                                  self->admit(std::move(text));
                                });
}

// Nobody is refused: whoever has used up their part of the time waits until some has passed. Root
// can do worse than to ask often.
void Connection::admit(std::string text) {
  const auto now = std::chrono::steady_clock::now();
  if (account_.empty())
    return handle(text);
  if (shared_.budget.may_spend(account_, now))
    return handle_for_pay(text);
  turn_.expires_at(now + shared_.budget.pause(account_, now) + kLeastPause);
  turn_.async_wait(
      [self = shared_from_this(), text = std::move(text)](error_code /*cancelled*/) mutable {
        if (self->socket_.is_open())
          self->admit(std::move(text));
      });
}

void Connection::handle_for_pay(const std::string& text) {
  const auto began = thread_time();
  handle(text);
  shared_.budget.spend(account_, std::max<TimeBudget::Cost>(thread_time() - began, kLeastCost),
                       std::chrono::steady_clock::now());
}

void Connection::handle(const std::string& text) {
  const auto call = parse_call(text);
  if (!call)
    return close();
  if (call->interface == kManagerInterface)
    act(*call);
  else
    answer(call_service(*call), call->oneway);
}

void Connection::act(const Call& call) {
  auto outcome = call_manager(call, shared_.backend, shared_.status);
  if (auto* text = std::get_if<std::string>(&outcome))
    return answer(std::move(*text), call.oneway);
  carry_out(std::get<Operation>(outcome), call.oneway);
}

// The client may be gone when the outcome is known; a boost then ends with its descriptor.
void Connection::carry_out(const Operation& operation, bool oneway) {
  auto sender = peer_;
  if (sender.uid != 0) {
    const auto tenant = as_tenant(shared_.backend, operation, sender.uid);
    sender.is_tenant = tenant.has_value();
    if (!tenant)
      return answer(reply_failure({Errc::denied, refusal(tenant.error().message)}), oneway);
  }
  fief::carry_out(shared_.backend, shared_.boosts, operation, sender,
                  [self = shared_from_this(), oneway,
                   of_files = blames_files(operation)](Result<UniqueFd> outcome) {
                    if (self->socket_.is_open())
                      self->answer_change(std::move(outcome), of_files, oneway);
                  });
}

void Connection::answer_change(Result<UniqueFd> outcome, bool of_files, bool oneway) {
  if (!outcome)
    return answer(reply_failure(outcome.error(), of_files), oneway);
  boost_ = std::move(*outcome);
  answer(reply(json::Json::object(), /*continues=*/static_cast<bool>(boost_)), oneway);
}

void Connection::answer(std::string text, bool oneway) {
  output_ = oneway ? std::string{} : std::move(text) + '\0';
  write();
}

void Connection::write() {
  boost::asio::async_write(socket_, boost::asio::buffer(output_),
                           [self = shared_from_this()](error_code error, std::size_t /*length*/) {
                             if (error)
                               return self->close();
                             if (self->boost_)
                               self->wait_for_end();
                             else
                               self->read();
                           });
}

// Readable means that the client is gone, or that it calls something, which nobody has reason to:
// either ends the boost.
void Connection::wait_for_end() {
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this()](error_code /*any*/) { self->close(); });
}

}  // namespace fief::varlink
