// SPDX-License-Identifier: GPL-2.0-only
#include "dbus/client.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

namespace fief::test {
namespace {

using Clock = std::chrono::steady_clock;

dbus::BusHandle connect() {
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0)
    throw std::runtime_error("cannot connect to the test's bus");
  return dbus::BusHandle(bus);
}

template <class T>
T read_basic(const dbus::MessageRef& message, char type) {
  T value{};
  if (sd_bus_message_read_basic(message.get(), type, static_cast<void*>(&value)) <= 0)
    throw std::runtime_error(std::string("the message holds no ") + type + " here");
  return value;
}

// The system call itself: the library's function would change every thread.
void become(uid_t user) {
  constexpr auto kUnchanged = static_cast<uid_t>(-1);
  if (::syscall(SYS_setresuid, kUnchanged, user, kUnchanged) != 0)
    throw std::runtime_error("cannot become another user");
}

}  // namespace

AsUser::AsUser(uid_t user) {
  become(user);
}

// NOLINTNEXTLINE(bugprone-exception-escape): root always may
AsUser::~AsUser() {
  become(0);
}

void wait_for_name(const std::string& name) {
  const auto bus = connect();
  const auto deadline = Clock::now() + kPatience;
  while (sd_bus_get_name_creds(bus.get(), name.c_str(), 0, nullptr) < 0) {
    if (Clock::now() > deadline)
      throw std::runtime_error("nobody took the name " + name);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

Client::Client() : bus_(connect()) {
  const int matched = sd_bus_add_match(bus_.get(), nullptr, "type='signal',sender='org.fief.Fief1'",
                                       on_signal, this);
  if (matched < 0)
    throw std::runtime_error("cannot listen to the service");
}

int Client::on_signal(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  static_cast<Client*>(userdata)->signals_.push_back(
      {sd_bus_message_get_path(message), sd_bus_message_get_interface(message),
       sd_bus_message_get_member(message), dbus::hold(*message)});
  return 0;
}

Answer Client::call(const std::string& path, const std::string& interface,
                    const std::string& method, const std::vector<std::string>& strings) {
  sd_bus_message* request = nullptr;
  sd_bus_message_new_method_call(bus_.get(), &request, dbus::kService, path.c_str(),
                                 interface.c_str(), method.c_str());
  const auto owned = dbus::adopt(request);
  for (const auto& text : strings)
    sd_bus_message_append(request, "s", text.c_str());
  dbus::BusError error;
  sd_bus_message* reply = nullptr;
  const auto timeout = std::chrono::microseconds(kPatience).count();
  const int result =
      sd_bus_call(bus_.get(), request, static_cast<std::uint64_t>(timeout), error.out(), &reply);
  if (result < 0)
    return {nullptr, std::string(error.name()), std::string(error.message())};
  return {dbus::adopt(reply), "", ""};
}

Answer Client::call_manager(const std::string& method, const std::vector<std::string>& strings) {
  return call(dbus::kPath, dbus::kManagerInterface, method, strings);
}

Answer Client::property(const std::string& path, const std::string& interface,
                        const std::string& name) {
  auto answer = call(path, "org.freedesktop.DBus.Properties", "Get", {interface, name});
  if (answer)
    sd_bus_message_enter_container(answer.message.get(), SD_BUS_TYPE_VARIANT, nullptr);
  return answer;
}

Signal Client::next_signal(const std::string& member) {
  const auto deadline = Clock::now() + kPatience;
  while (Clock::now() < deadline) {
    const auto found = std::ranges::find(signals_, member, &Signal::member);
    if (found != signals_.end()) {
      auto signal = *found;
      signals_.erase(found);
      return signal;
    }
    if (sd_bus_process(bus_.get(), nullptr) == 0)
      sd_bus_wait(bus_.get(), 100'000);
  }
  throw std::runtime_error("no signal " + member + " came");
}

// A signal sent before the reply to a call arrives before it.
std::deque<Signal> Client::pending_signals() {
  call(dbus::kPath, "org.freedesktop.DBus.Peer", "Ping");
  while (sd_bus_process(bus_.get(), nullptr) > 0) {
  }
  return std::exchange(signals_, {});
}

std::string read_string(const dbus::MessageRef& message) {
  return read_basic<const char*>(message, SD_BUS_TYPE_STRING);
}
std::string read_path(const dbus::MessageRef& message) {
  return read_basic<const char*>(message, SD_BUS_TYPE_OBJECT_PATH);
}
bool read_bool(const dbus::MessageRef& message) {
  return read_basic<int>(message, SD_BUS_TYPE_BOOLEAN) != 0;
}
double read_double(const dbus::MessageRef& message) {
  return read_basic<double>(message, SD_BUS_TYPE_DOUBLE);
}
std::uint64_t read_u64(const dbus::MessageRef& message) {
  return read_basic<std::uint64_t>(message, SD_BUS_TYPE_UINT64);
}
std::uint32_t read_u32(const dbus::MessageRef& message) {
  return read_basic<std::uint32_t>(message, SD_BUS_TYPE_UINT32);
}

}  // namespace fief::test
