// SPDX-License-Identifier: GPL-2.0-only
#include "api/service.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "api/unit_job.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "core/utf8.hpp"
#include "fief/dbus_names.hpp"
#include "status/view_facts.hpp"

namespace fief {
namespace {

// More than any program has reason to have under way at once.
constexpr std::size_t kMaxChanges = 16;

// Makes the journal fields that say who asked.
auto sender_fields(const dbus::Sender& sender) {
  return [sender](std::string_view message_id) {
    log::Fields fields{.message_id = message_id, .sender = sender.name, .sender_uid = sender.uid};
    if (sender.pid != 0)
      fields.sender_pid = sender.pid;
    return fields;
  };
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

Service::Service(boost::asio::io_context& io, Backend& backend)
    : io_(io),
      backend_(backend),
      snapshots_(backend),
      admission_(calls_),
      authority_(calls_),
      quota_(kMaxChanges),
      holds_(io, [this](Holds::Id hold) { backend_.release(hold); }),
      bus_(io, dbus::kService,
           {.connected = [this](sd_bus& bus) { return register_objects(bus); },
            .acquired = [] { log::info({}, "on the bus as {}", dbus::kService); },
            .lost =
                [this](const Error& why) {
                  calls_.clear();
                  admission_.forget_names();
                  log::warning({}, "not on the bus, will try again: {}", why.message);
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

void Service::ask_whether_restarting(std::function<void(bool)> then) {
  if (bus_.connection() == nullptr)
    return then(false);
  dbus::ask_unit_job(*bus_.connection(), calls_, [then = std::move(then)](const std::string& type) {
    then(type == "restart" || type == "try-restart" || type == "reload-or-restart");
  });
  bus_.touched();
}

Status Service::register_objects(sd_bus& bus) {
  snapshots_.announce(backend_.status(Figures::leave_out));
  if (auto guarded = admission_.guard(bus); !guarded)
    return guarded;
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

void Service::carry_out(sd_bus_message& request, dbus::Change change) {
  const char* name = sd_bus_message_get_sender(&request);
  const auto ticket = quota_.take(name != nullptr ? name : "");
  if (!ticket)
    return dbus::reply_error(
        request, SD_BUS_ERROR_LIMITS_EXCEEDED,
        fmt::format("{} changes of yours are under way; wait for their answers", kMaxChanges));
  const auto* action = change.action;
  authority_.check(request, action,
                   [this, request = dbus::hold(request), change = std::move(change),
                    ticket](const Result<dbus::Sender>& sender) {
                     if (sender)
                       begin(request, change, *sender, ticket);
                     else
                       dbus::reply(*request, tl::unexpected(sender.error()));
                   });
}

// The hold begins before anything is changed, and lasts only if all goes well.
void Service::boost(sd_bus_message& request, std::string what, ChangeRequest wanted) {
  const auto hold = std::make_shared<Holds::Opened>();
  const auto self = std::weak_ptr(self_);
  const auto begin = [self, hold, wanted = std::move(wanted)](Backend& backend,
                                                              const std::string& requester,
                                                              const Backend::Done& done) {
    const auto service = self.lock();
    auto opened = service ? (*service)->holds_.open() : fail(Errc::stale, "the daemon is stopping");
    if (!opened)
      return done(tl::unexpected(opened.error()));
    *hold = std::move(*opened);
    auto known = wanted;
    known.requester = requester;
    backend.boost(hold->id, known, [self, hold, done](const Status& outcome) {
      if (const auto alive = self.lock(); alive && !outcome)
        (*alive)->drop_hold(hold->id);
      done(outcome);
      hold->descriptor.reset();  // the client has its own by now
    });
  };
  carry_out(request, {.action = dbus::kReconfigureAction,
                      .what = std::move(what),
                      .begin = begin,
                      .answer = [hold](sd_bus_message& message) {
                        sd_bus_reply_method_return(&message, "h", hold->descriptor.get());
                      }});
}

void Service::drop_hold(Holds::Id hold) {
  holds_.close(hold);
  backend_.release(hold);
}

// The outcome may come after the bus was lost, or after this object is gone.
void Service::begin(const dbus::MessageRef& request, const dbus::Change& change,
                    const dbus::Sender& sender, const dbus::Quota::Ticket& ticket) {
  const auto fields = sender_fields(sender);
  log::info(fields(message::kRequested), "{} (uid {}, pid {}) asks to {}", sender.name, sender.uid,
            sender.pid, change.what);
  const auto done = [request, ticket, fields, what = change.what, invalid = change.invalid,
                     answer = change.answer, self = std::weak_ptr(self_)](const Status& outcome) {
    if (!outcome)
      log::notice(fields(message::kRequestRefused), "could not {}: {}", what,
                  outcome.error().message);
    if (outcome && answer)
      answer(*request);
    else
      dbus::reply(*request, outcome, invalid);
    if (const auto service = self.lock())
      (*service)->bus_.touched();
  };
  change.begin(backend_, fmt::format("uid {}", sender.uid), done);
}

}  // namespace fief
