// SPDX-License-Identifier: GPL-2.0-only
#include "api/admission.hpp"

#include <algorithm>
#include <utility>

namespace fief::dbus {
namespace {

using std::chrono::steady_clock;

// What a call costs beside what can be seen of it: the bus, and this loop's way there and back.
constexpr std::chrono::microseconds kLeast{20};
// Unique names are never used again, and nobody says which of them have gone.
constexpr std::size_t kMaxNames = 4096;
constexpr std::chrono::seconds kBusTimeout{25};

MessageRef user_call(sd_bus& bus, const std::string& name) {
  sd_bus_message* call = nullptr;
  if (sd_bus_message_new_method_call(&bus, &call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionUnixUser") < 0)
    return {};
  auto ask = adopt(call);
  if (sd_bus_message_append(ask.get(), "s", name.c_str()) < 0)
    return {};
  return ask;
}

std::optional<uid_t> read_user(sd_bus_message& reply) {
  std::uint32_t user = 0;
  if (sd_bus_message_is_method_error(&reply, nullptr) > 0 ||
      sd_bus_message_read(&reply, "u", &user) < 0)
    return std::nullopt;
  return user;
}

}  // namespace

Admission::Admission(PendingCalls& calls, TimeBudget& budget) : calls_(calls), budget_(budget) {}

Status Admission::guard(sd_bus& bus) {
  return checked(sd_bus_add_filter(&bus, nullptr, on_message, this), "cannot watch over the calls");
}

void Admission::charge(std::chrono::nanoseconds cost) {
  if (const auto client = std::exchange(current_, std::nullopt))
    budget_.spend(*client, std::max<TimeBudget::Cost>(cost, kLeast), steady_clock::now());
}

int Admission::on_message(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0)
    return 0;
  return static_cast<Admission*>(userdata)->admit(*message);
}

// What is refused costs, too, but not its sender: it would never get out of its debt.
int Admission::admit(sd_bus_message& call) {
  const auto& client = client_of(call);
  if (!budget_.may_spend(client, steady_clock::now())) {
    reply_error(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
                "your calls have used up their part of the daemon's time; wait a moment");
    return 1;
  }
  current_ = client;
  return 0;
}

const std::string& Admission::client_of(sd_bus_message& call) {
  const char* sender = sd_bus_message_get_sender(&call);
  const std::string name = sender != nullptr ? sender : "";
  if (const auto known = clients_.find(name); known != clients_.end())
    return known->second;
  if (clients_.size() >= kMaxNames)
    clients_.clear();
  ask_user(call, name);
  return clients_.emplace(name, name).first->second;
}

void Admission::ask_user(sd_bus_message& call, const std::string& name) {
  const auto question = user_call(*sd_bus_message_get_bus(&call), name);
  if (question)
    calls_.send(*question, kBusTimeout, [this, name](sd_bus_message& reply) {
      if (const auto user = read_user(reply); user && *user != 0)
        learn(name, *user);
    });
}

void Admission::learn(const std::string& name, uid_t user) {
  auto client = account_of(user);
  budget_.rename(name, client, steady_clock::now());
  clients_.insert_or_assign(name, std::move(client));
}

}  // namespace fief::dbus
