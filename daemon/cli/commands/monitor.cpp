// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/monitor.hpp"

#include <map>
#include <string_view>

#include "api/sdbus.hpp"
#include "cli/client/bus_json.hpp"
#include "core/printable.hpp"
#include "fief/dbus_names.hpp"

namespace fief::cli {
namespace {

using json::Json;

class Follower {
 public:
  Follower(sd_bus& bus, const Listener& tell) : bus_(bus), tell_(tell) {}

  Status run() {
    return listen().and_then([this] {
      learn_objects();
      return serve();
    });
  }

 private:
  Status listen();
  Status serve();
  void learn_objects();
  void learn(sd_bus_message& message);
  void announced(sd_bus_message& signal);
  void attached_or_detached(sd_bus_message& signal, bool attached);
  void properties_changed(sd_bus_message& signal);
  void owner_changed(sd_bus_message& signal);
  void tell(const Announcement& announcement) { ended_ = ended_ || !tell_(announcement); }

  template <auto Method>
  static int on_signal(sd_bus_message* signal, void* userdata, sd_bus_error* /*error*/) {
    (static_cast<Follower*>(userdata)->*Method)(*signal);
    return 0;
  }

  sd_bus& bus_;
  const Listener& tell_;
  std::map<std::string, std::string> cgroups_;  ///< by object path
  bool ended_ = false;
};

Status Follower::listen() {
  int result = sd_bus_add_match(&bus_, nullptr, "type='signal',sender='org.fief.Fief1'",
                                on_signal<&Follower::announced>, this);
  if (result >= 0)
    result = sd_bus_add_match(&bus_, nullptr,
                              "type='signal',sender='org.freedesktop.DBus',"
                              "member='NameOwnerChanged',arg0='org.fief.Fief1'",
                              on_signal<&Follower::owner_changed>, this);
  return dbus::checked(result, "cannot listen on the bus");
}

Status Follower::serve() {
  while (!ended_) {
    int result = sd_bus_process(&bus_, nullptr);
    if (result == 0)
      result = sd_bus_wait(&bus_, UINT64_MAX);
    if (result < 0 && result != -EINTR)
      return dbus::checked(result, "lost the bus");
  }
  return {};
}

// Signals name objects; people know cgroups. A daemon that does not run has none.
void Follower::learn_objects() {
  sd_bus_message* call = nullptr;
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_method_call(&bus_, &call, dbus::kService, dbus::kPath,
                                     dbus::kManagerInterface, "ListSchedulers") < 0)
    return;
  const auto owned = dbus::adopt(call);
  sd_bus_message_set_auto_start(call, 0);
  if (sd_bus_call(&bus_, call, 0, nullptr, &raw) < 0)
    return;
  const auto reply = dbus::adopt(raw);
  if (const auto list = read_json(*reply))
    for (const auto& entry : *list)
      cgroups_[entry.at(0).get<std::string>()] = entry.at(2).get<std::string>();
}

void Follower::announced(sd_bus_message& signal) {
  const std::string_view member = sd_bus_message_get_member(&signal);
  if (member == "SchedulerAttached" || member == "SchedulerDetached")
    attached_or_detached(signal, member == "SchedulerAttached");
  else if (member == "PropertiesChanged")
    properties_changed(signal);
}

void Follower::attached_or_detached(sd_bus_message& signal, bool attached) {
  const char *object = nullptr, *cgroup = nullptr, *scheduler = nullptr, *reason = nullptr;
  std::uint64_t id = 0;
  if (sd_bus_message_read(&signal, "otss", &object, &id, &cgroup, &scheduler) < 0 ||
      (!attached && sd_bus_message_read(&signal, "s", &reason) < 0))
    return;
  cgroups_[object] = cgroup;
  Json details{{"cgroup_id", id}, {"scheduler", scheduler}};
  if (reason != nullptr)
    details["reason"] = reason;
  tell({attached ? "attached" : "detached", cgroup, std::move(details)});
}

void Follower::properties_changed(sd_bus_message& signal) {
  const auto interface = read_json(signal);
  auto changed = read_json(signal);
  if (!interface || !changed || changed->empty())
    return;
  const std::string object = sd_bus_message_get_path(&signal);
  const auto known = cgroups_.find(object);
  const auto is_manager = interface->get<std::string>() == dbus::kManagerInterface;
  tell({"changed",
        is_manager                ? ""
        : known == cgroups_.end() ? object
                                  : known->second,
        std::move(*changed)});
}

void Follower::owner_changed(sd_bus_message& signal) {
  const char *name = nullptr, *before = nullptr, *after = nullptr;
  if (sd_bus_message_read(&signal, "sss", &name, &before, &after) < 0)
    return;
  tell({*after != '\0' ? "daemon-appeared" : "daemon-vanished", "", Json::object()});
}

}  // namespace

Status follow(sd_bus& bus, const Listener& tell) {
  return Follower(bus, tell).run();
}

std::string to_line(const Announcement& announcement) {
  auto line = announcement.event;
  if (!announcement.cgroup.empty())
    line += ' ' + announcement.cgroup;
  for (const auto& [key, value] : announcement.details.items())
    line += fmt::format(" {}={}", key,
                        value.is_string() ? value.get<std::string>() : json::to_text(value));
  return printable(line);
}

}  // namespace fief::cli
