// SPDX-License-Identifier: GPL-2.0-only
#include "api/service.hpp"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "api/log_control.hpp"
#include "backend/carry_out.hpp"
#include "core/log.hpp"
#include "core/utf8.hpp"
#include "fief/dbus_names.hpp"
#include "status/view_facts.hpp"

namespace fief {
namespace {

// More than any program has reason to have under way at once.
constexpr std::size_t kMaxChanges = 16;

// The message has a descriptor of its own.
void answer(sd_bus_message& request, const Result<UniqueFd>& outcome, const char* invalid) {
  if (!outcome)
    dbus::reply(request, tl::unexpected(outcome.error()), invalid);
  else if (*outcome)
    sd_bus_reply_method_return(&request, "h", outcome->get());
  else
    dbus::reply(request, {});
}

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

Service::Service(boost::asio::io_context& io, Backend& backend, Boosts& boosts, TimeBudget& budget)
    : io_(io),
      backend_(backend),
      boosts_(boosts),
      snapshots_(backend),
      admission_(calls_, budget),
      authority_(calls_),
      quota_(kMaxChanges),
      bus_(io, dbus::kService,
           {.connected = [this](sd_bus& bus) { return register_objects(bus); },
            .acquired = [] { log::info({}, "on the bus as {}", dbus::kService); },
            .lost =
                [this](const Error& why) {
                  calls_.clear();
                  admission_.forget_names();
                  log::warning({}, "not on the bus, will try again: {}", why);
                },
            .processed = [this](std::chrono::nanoseconds cost) { admission_.charge(cost); }}),
      self_(std::make_shared<Service*>(this)) {}

void Service::start() {
  bus_.start();
}

void Service::stop() {
  bus_.stop();
  calls_.clear();
}

Status Service::register_objects(sd_bus& bus) {
  snapshots_.announce(backend_.status(Figures::leave_out));
  if (auto guarded = admission_.guard(bus); !guarded)
    return guarded;
  if (auto added = dbus::add_manager(bus, *this); !added)
    return added;
  if (auto added = dbus::add_log_control(bus, *this); !added)
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
  auto status = backend_.status(Figures::leave_out);
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
  snapshots_.while_announcing([&bus, &changes] {
    for (const auto& [cgroup, properties] : changes.changed)
      emit_changed(bus, object_path(cgroup), dbus::kSchedulerInterface, properties);
    if (!changes.manager.empty())
      emit_changed(bus, dbus::kPath, dbus::kManagerInterface, changes.manager);
  });
  bus_.touched();
}

// After its object appeared.
void Service::scheduler_attached(const SchedulerView& scheduler) {
  announce_changes();
  if (auto* bus = bus_.connection(); bus != nullptr)
    sd_bus_emit_signal(bus, dbus::kPath, dbus::kManagerInterface, "SchedulerAttached", "otss",
                       object_path(scheduler.cgroup).c_str(), scheduler.cgroup.value,
                       to_utf8(scheduler.path).c_str(), scheduler.scheduler.c_str());
  bus_.touched();
}

// Before its object goes.
void Service::scheduler_detached(const SchedulerView& scheduler, const std::string& reason) {
  if (auto* bus = bus_.connection(); bus != nullptr)
    sd_bus_emit_signal(bus, dbus::kPath, dbus::kManagerInterface, "SchedulerDetached", "otsss",
                       object_path(scheduler.cgroup).c_str(), scheduler.cgroup.value,
                       to_utf8(scheduler.path).c_str(), scheduler.scheduler.c_str(),
                       to_utf8(reason).c_str());
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

void Service::carry_out(sd_bus_message& request, Operation operation) {
  const char* name = sd_bus_message_get_sender(&request);
  const auto ticket = quota_.take(name != nullptr ? name : "");
  if (!ticket)
    return dbus::reply_error(
        request, SD_BUS_ERROR_LIMITS_EXCEEDED,
        fmt::format("{} changes of yours are under way; wait for their answers", kMaxChanges));
  const auto asked = std::make_shared<const Operation>(std::move(operation));
  const auto tenant = [this, asked](uid_t uid) { return as_tenant(backend_, *asked, uid); };
  authority_.check(
      request, permission_for(*asked), tenant,
      [this, request = dbus::hold(request), asked, ticket](const Result<Sender>& sender) {
        if (!admission_.admit_again(*request))
          return;
        if (sender)
          begin(request, *asked, *sender, ticket);
        else
          dbus::reply(*request, tl::unexpected(sender.error()));
      });
}

// The outcome may come after the bus was lost, or after this object is gone.
void Service::begin(const dbus::MessageRef& request, const Operation& operation,
                    const Sender& sender, const Quota::Ticket& ticket) {
  const auto* invalid =
      blames_files(operation) ? dbus::kErrorInvalidPolicy : SD_BUS_ERROR_INVALID_ARGS;
  fief::carry_out(
      backend_, boosts_, operation, sender,
      [request, ticket, invalid, self = std::weak_ptr(self_)](const Result<UniqueFd>& outcome) {
        answer(*request, outcome, invalid);
        if (const auto service = self.lock())
          (*service)->bus_.touched();
      });
}

}  // namespace fief
