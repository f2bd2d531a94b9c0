// SPDX-License-Identifier: GPL-2.0-only
// org.fief.Fief1.Scheduler: translates, decides nothing. org.fief.Fief1.Scheduler.xml is its
// contract. One registration serves every object: which exist is asked, not kept.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "api/append.hpp"
#include "api/vtables.hpp"
#include "fief/dbus_names.hpp"

namespace fief::dbus {
namespace {

int find_object(sd_bus* /*bus*/, const char* path, const char* /*interface*/, void* userdata,
                void** found, sd_bus_error* /*error*/) {
  const auto cgroup = cgroup_of_object(path);
  const auto* view = cgroup ? static_cast<Objects*>(userdata)->find(*cgroup) : nullptr;
  if (view == nullptr)
    return 0;
  // sd-bus hands it to the getters below, which only read.
  *found = const_cast<SchedulerView*>(view);
  return 1;
}

// sd-bus frees the list and its strings with free().
int enumerate(sd_bus* /*bus*/, const char* /*prefix*/, void* userdata, char*** nodes,
              sd_bus_error* /*error*/) {
  const auto paths = static_cast<Objects*>(userdata)->paths();
  auto** list = static_cast<char**>(std::calloc(paths.size() + 1, sizeof(char*)));
  if (list == nullptr)
    return -ENOMEM;
  std::ranges::transform(paths, list, [](const std::string& path) { return strdup(path.c_str()); });
  *nodes = list;
  return 1;
}

template <auto Fact>
constexpr sd_bus_property_get_t property = get<const SchedulerView, Fact>;

constexpr auto kConst = SD_BUS_VTABLE_PROPERTY_CONST;
constexpr auto kEmits = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;

using View = const SchedulerView;

constexpr sd_bus_vtable kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("CgroupId", "t", property<[](View& v) { return v.cgroup.value; }>, 0, kConst),
    SD_BUS_PROPERTY("Cgroup", "s", property<[](View& v) { return v.path; }>, 0, kEmits),
    SD_BUS_PROPERTY("Delegation", "s", property<[](View& v) { return v.delegation; }>, 0, kEmits),
    SD_BUS_PROPERTY("Scheduler", "s", property<[](View& v) { return v.scheduler; }>, 0, kEmits),
    SD_BUS_PROPERTY("State", "s", property<[](View& v) { return std::string(to_string(v.state)); }>,
                    0, kEmits),
    SD_BUS_PROPERTY("Foreign", "b", property<[](View& v) { return v.foreign; }>, 0, kEmits),
    SD_BUS_PROPERTY("Weight", "u", property<[](View& v) { return v.weight; }>, 0, kEmits),
    SD_BUS_PROPERTY("Entitlement", "d",
                    property<[](View& v) { return to_cpus(v.entitlement.cpus); }>, 0, kEmits),
    SD_BUS_PROPERTY("NominalEntitlement", "d",
                    property<[](View& v) { return to_cpus(v.entitlement.nominal); }>, 0, kEmits),
    SD_BUS_PROPERTY("Awake", "b", property<[](View& v) { return v.entitlement.awake; }>, 0, kEmits),
    SD_BUS_PROPERTY("Cids", "au", property<[](View& v) { return v.held.immed(); }>, 0, kEmits),
    SD_BUS_PROPERTY("ExclusiveCids", "s",
                    property<[](View& v) { return held_exclusive(v).to_string(); }>, 0, kEmits),
    SD_BUS_PROPERTY("SharedCids", "a(ud)", property<[](View& v) { return held_shared(v); }>, 0,
                    kEmits),
    SD_BUS_PROPERTY("BorrowableCids", "s",
                    property<[](View& v) { return borrowable(v).to_string(); }>, 0, kEmits),
    SD_BUS_PROPERTY("PlannedExclusiveCids", "s",
                    property<[](View& v) { return v.planned_exclusive.to_string(); }>, 0, kEmits),
    SD_BUS_PROPERTY("PlannedSharedCids", "a(ud)",
                    property<[](View& v) { return v.planned_shared; }>, 0, kEmits),
    SD_BUS_PROPERTY("AsPlanned", "b", property<[](View& v) { return v.as_planned; }>, 0, kEmits),
    SD_BUS_PROPERTY("UsageUSec", "t", property<[](View& v) { return v.usage_usec; }>, 0, 0),
    SD_BUS_PROPERTY("Counters", "a{st}", property<[](View& v) { return v.counters; }>, 0, 0),
    SD_BUS_PROPERTY("WakeWaits", "at", property<[](View& v) { return v.counters.wake_waits; }>, 0,
                    0),
    SD_BUS_PROPERTY("LastError", "s", property<[](View& v) { return v.last_error; }>, 0, kEmits),
    SD_BUS_VTABLE_END};

}  // namespace

Status add_schedulers(sd_bus& bus, Objects& objects) {
  const std::string prefix(kSchedulerPathPrefix, std::strlen(kSchedulerPathPrefix) - 1);
  int result = sd_bus_add_fallback_vtable(&bus, nullptr, prefix.c_str(), kSchedulerInterface,
                                          kVtable, find_object, &objects);
  if (result >= 0)
    result = sd_bus_add_node_enumerator(&bus, nullptr, prefix.c_str(), enumerate, &objects);
  return checked(result, "cannot register the Scheduler objects");
}

}  // namespace fief::dbus
