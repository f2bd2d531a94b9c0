// SPDX-License-Identifier: GPL-2.0-only
#include "api/service.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "api/view_facts.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "fief/dbus_names.hpp"

namespace fief {
namespace {

void emit_changed(sd_bus& bus, const std::string& path, const char* interface,
                  std::vector<std::string> properties) {
  std::vector<char*> names;
  names.reserve(properties.size() + 1);
  for (auto& property : properties)
    names.push_back(property.data());
  names.push_back(nullptr);
  sd_bus_emit_properties_changed_strv(&bus, path.c_str(), interface, names.data());
}

}  // namespace

Service::Service(boost::asio::io_context& io, Backend& backend)
    : io_(io),
      backend_(backend),
      snapshots_(backend),
      authority_(calls_),
      bus_(io, dbus::kService,
           {.connected = [this](sd_bus& bus) { return register_objects(bus); },
            .acquired = [] { log::info({}, "on the bus as {}", dbus::kService); },
            .lost =
                [this](const Error& why) {
                  calls_.clear();
                  log::warning({}, "not on the bus, will try again: {}", why.message);
                }}),
      self_(std::make_shared<Service*>(this)) {}

void Service::start() {
  bus_.start();
}

void Service::stop() {
  bus_.stop();
  calls_.clear();
}

Status Service::register_objects(sd_bus& bus) {
  snapshots_.announce(backend_.status());
  if (auto added = dbus::add_manager(bus, *this); !added)
    return added;
  return dbus::add_schedulers(bus, *this);
}

// Bursts become one announcement.
void Service::status_changed() {
  if (std::exchange(announcing_, true))
    return;
  boost::asio::post(io_, [self = std::weak_ptr(self_)] {
    if (const auto service = self.lock(); service && (*service)->announcing_)
      (*service)->announce_changes();
  });
}

// Without a bus there is nobody to tell; register_objects() takes the state of that time.
void Service::announce_changes() {
  announcing_ = false;
  auto* bus = bus_.connection();
  if (bus == nullptr)
    return;
  auto status = backend_.status();
  const auto changes = diff(snapshots_.announced(), status);
  // While the objects are still there: sd-bus looks up what each consists of.
  for (const auto cgroup : changes.removed)
    sd_bus_emit_object_removed(bus, object_path(cgroup).c_str());
  snapshots_.announce(std::move(status));
  announce(*bus, changes);
}

void Service::announce(sd_bus& bus, const StatusDiff& changes) {
  for (const auto cgroup : changes.added)
    sd_bus_emit_object_added(&bus, object_path(cgroup).c_str());
  for (const auto& [cgroup, properties] : changes.changed)
    emit_changed(bus, object_path(cgroup), dbus::kSchedulerInterface, properties);
  if (!changes.manager.empty())
    emit_changed(bus, dbus::kPath, dbus::kManagerInterface, changes.manager);
  bus_.touched();
}

// After its object appeared.
void Service::scheduler_attached(const SchedulerView& scheduler) {
  announce_changes();
  if (auto* bus = bus_.connection(); bus != nullptr)
    sd_bus_emit_signal(bus, dbus::kPath, dbus::kManagerInterface, "SchedulerAttached", "otss",
                       object_path(scheduler.cgroup).c_str(), scheduler.cgroup.value,
                       scheduler.path.c_str(), scheduler.scheduler.c_str());
  bus_.touched();
}

// Before its object goes.
void Service::scheduler_detached(const SchedulerView& scheduler, const std::string& reason) {
  if (auto* bus = bus_.connection(); bus != nullptr)
    sd_bus_emit_signal(bus, dbus::kPath, dbus::kManagerInterface, "SchedulerDetached", "otsss",
                       object_path(scheduler.cgroup).c_str(), scheduler.cgroup.value,
                       scheduler.path.c_str(), scheduler.scheduler.c_str(), reason.c_str());
  announce_changes();
  bus_.touched();
}

const StatusView& Service::live() {
  return snapshots_.live(bus_.turn());
}

const std::string& Service::live_json() {
  return snapshots_.live_json(bus_.turn());
}

const SchedulerView* Service::find(CgroupId cgroup) {
  return snapshots_.find(cgroup, bus_.turn());
}

std::vector<std::string> Service::paths() {
  std::vector<std::string> paths;
  for (const auto& view : snapshots_.announced().schedulers)
    if (has_object(view))
      paths.push_back(object_path(view.cgroup));
  return paths;
}

void Service::reload(sd_bus_message& request) {
  authority_.check(request, dbus::kReconfigureAction,
                   [this, request = dbus::hold(request)](const Result<dbus::Sender>& sender) {
                     if (sender)
                       carry_out_reload(request, *sender);
                     else
                       dbus::reply(*request, tl::unexpected(sender.error()));
                   });
}

// The outcome may come after the bus was lost, or after this object is gone.
void Service::carry_out_reload(const dbus::MessageRef& request, const dbus::Sender& sender) {
  log::info({.message_id = message::kRequested}, "reload requested on the bus by {}, uid {}",
            sender.name, sender.uid);
  backend_.reload([request, self = std::weak_ptr(self_)](const Status& outcome) {
    dbus::reply(*request, outcome);
    if (const auto service = self.lock())
      (*service)->bus_.touched();
  });
}

}  // namespace fief
