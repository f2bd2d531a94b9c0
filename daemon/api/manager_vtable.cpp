// SPDX-License-Identifier: GPL-2.0-only
// org.fief.Fief1.Manager: translates, decides nothing. org.fief.Fief1.Manager.xml is its contract.

#include "api/append.hpp"
#include "api/change_methods.hpp"
#include "api/dump.hpp"
#include "api/vtables.hpp"
#include "fief/dbus_names.hpp"
#include "status/policy_json.hpp"

namespace fief::dbus {
namespace {

Objects& objects_of(void* userdata) {
  return *static_cast<Objects*>(userdata);
}

int get_status(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  const auto& json = objects_of(userdata).live_json();
  return sd_bus_reply_method_return(request, "s", json.c_str());
}

int append_entry(sd_bus_message& reply, const SchedulerView& view) {
  return sd_bus_message_append(&reply, "(otss)", object_path(view.cgroup).c_str(),
                               view.cgroup.value, to_utf8(view.path).c_str(),
                               view.scheduler.c_str());
}

int list_schedulers(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_message_new_method_return(request, &raw);
  const auto reply = adopt(raw);
  if (result >= 0)
    result = sd_bus_message_open_container(raw, SD_BUS_TYPE_ARRAY, "(otss)");
  for (const auto& view : objects_of(userdata).live().schedulers)
    if (result >= 0 && has_object(view))
      result = append_entry(*raw, view);
  if (result >= 0)
    result = sd_bus_message_close_container(raw);
  return result < 0 ? result : sd_bus_send(nullptr, raw, nullptr);
}

int get_scheduler_by_cgroup(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* path = nullptr;
  if (const int result = sd_bus_message_read(request, "s", &path); result < 0)
    return result;
  const auto* view = PathIndex(objects_of(userdata).live()).find(path);
  if (view == nullptr || !has_object(*view))
    return sd_bus_error_setf(error, kErrorNoSuchScheduler, "there is no scheduler at cgroup \"%s\"",
                             path);
  return sd_bus_reply_method_return(request, "o", object_path(view->cgroup).c_str());
}

int get_policy(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  const auto json = to_json(objects_of(userdata).backend().policy());
  return sd_bus_reply_method_return(request, "s", json.c_str());
}

int get_plan(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  return sd_bus_reply_method_return(request, "s", objects_of(userdata).backend().plan().c_str());
}

int explain(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  if (const int result = sd_bus_message_read(request, "s", &subject); result < 0)
    return result;
  const auto why = objects_of(userdata).backend().explain(subject);
  if (!why)
    return set_error(error, error_name(why.error().code), why.error().message);
  return sd_bus_reply_method_return(request, "ss", to_utf8(why->text).c_str(), why->json.c_str());
}

int preview_reload(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const auto preview = objects_of(userdata).backend().preview_reload();
  if (!preview) {
    const auto& why = preview.error();
    return set_error(error, why.code == Errc::invalid ? kErrorInvalidPolicy : error_name(why.code),
                     why.message);
  }
  return sd_bus_reply_method_return(request, "ss", to_utf8(preview->text).c_str(),
                                    preview->json.c_str());
}

int dump_by_descriptor(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  auto& objects = objects_of(userdata);
  const auto dump = as_descriptor(dump_text(objects.live(), objects.backend().policy()));
  if (!dump)
    return set_error(error, error_name(dump.error().code), dump.error().message);
  return sd_bus_reply_method_return(request, "h", dump->get());
}

template <auto Member>
int property(sd_bus* bus, const char* path, const char* interface, const char* name,
             sd_bus_message* reply, void* userdata, sd_bus_error* error) {
  return get<Objects, [](Objects& objects) { return objects.live().*Member; }>(
      bus, path, interface, name, reply, userdata, error);
}

constexpr auto kConst = SD_BUS_VTABLE_PROPERTY_CONST;
constexpr auto kEmits = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
// Open to all here: what changes something asks polkit itself. A test holds the arguments to
// backend/methods.hpp.
constexpr auto kOpen = SD_BUS_VTABLE_UNPRIVILEGED;

constexpr sd_bus_vtable kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Version", "s", property<&StatusView::version>, 0, kConst),
    SD_BUS_PROPERTY("State", "s", property<&StatusView::state>, 0, kEmits),
    SD_BUS_PROPERTY("PlanNumber", "t", property<&StatusView::plan_number>, 0, kEmits),
    SD_BUS_PROPERTY("Cpus", "u", property<&StatusView::nr_cpus>, 0, kEmits),
    SD_BUS_PROPERTY("CpuOfCid", "au", property<&StatusView::cpu_of_cid>, 0, kEmits),
    SD_BUS_PROPERTY("Topology", "a(uuuuub)", property<&StatusView::places>, 0, kEmits),
    SD_BUS_PROPERTY("AsPlanned", "b", property<&StatusView::as_planned>, 0, kEmits),
    SD_BUS_PROPERTY("PolicyFile", "s", property<&StatusView::policy_file>, 0, kEmits),
    SD_BUS_PROPERTY("PolicyError", "s", property<&StatusView::policy_error>, 0, kEmits),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("PreviewReload", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text, "s", json),
                            preview_reload, kOpen),
    SD_BUS_METHOD_WITH_ARGS("SetProperties",
                            SD_BUS_ARGS("s", delegation, "a{sv}", properties, "t", flags),
                            SD_BUS_NO_RESULT, change, kOpen),
    SD_BUS_METHOD_WITH_ARGS(
        "Attach", SD_BUS_ARGS("s", delegation, "s", scheduler, "a{sv}", options, "t", flags),
        SD_BUS_NO_RESULT, change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("Detach", SD_BUS_ARGS("s", delegation, "t", flags), SD_BUS_NO_RESULT,
                            change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("Revert", SD_BUS_ARGS("s", delegation), SD_BUS_NO_RESULT, change,
                            kOpen),
    SD_BUS_METHOD_WITH_ARGS("Kill", SD_BUS_ARGS("s", delegation, "s", reason), SD_BUS_NO_RESULT,
                            change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("Leave", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("Replan", SD_BUS_ARGS("t", flags), SD_BUS_NO_RESULT, change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("Boost", SD_BUS_ARGS("s", delegation, "a{sv}", properties, "s", reason),
                            SD_BUS_RESULT("h", descriptor), change, kOpen),
    SD_BUS_METHOD_WITH_ARGS("GetPolicy", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), get_policy,
                            kOpen),
    SD_BUS_METHOD_WITH_ARGS("GetPlan", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), get_plan, kOpen),
    SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", subject),
                            SD_BUS_RESULT("s", text, "s", json), explain, kOpen),
    SD_BUS_METHOD_WITH_ARGS("DumpByFileDescriptor", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", descriptor),
                            dump_by_descriptor, kOpen),
    SD_BUS_METHOD_WITH_ARGS("GetStatus", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), get_status,
                            kOpen),
    SD_BUS_METHOD_WITH_ARGS("ListSchedulers", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(otss)", schedulers),
                            list_schedulers, kOpen),
    SD_BUS_METHOD_WITH_ARGS("GetSchedulerByCgroup", SD_BUS_ARGS("s", path),
                            SD_BUS_RESULT("o", object), get_scheduler_by_cgroup, kOpen),
    SD_BUS_SIGNAL_WITH_ARGS("SchedulerAttached",
                            SD_BUS_ARGS("o", object, "t", cgroup_id, "s", cgroup, "s", scheduler),
                            0),
    SD_BUS_SIGNAL_WITH_ARGS(
        "SchedulerDetached",
        SD_BUS_ARGS("o", object, "t", cgroup_id, "s", cgroup, "s", scheduler, "s", reason), 0),
    SD_BUS_VTABLE_END};

}  // namespace

Status add_manager(sd_bus& bus, Objects& objects) {
  int result = sd_bus_add_object_manager(&bus, nullptr, kPath);
  if (result >= 0)
    result = sd_bus_add_object_vtable(&bus, nullptr, kPath, kManagerInterface, kVtable, &objects);
  return checked(result, "cannot register the Manager object");
}

}  // namespace fief::dbus
