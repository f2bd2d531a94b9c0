// SPDX-License-Identifier: GPL-2.0-only
#include "status/view_diff.hpp"

#include <map>

#include "status/view_facts.hpp"

namespace fief {
namespace {

using ById = std::map<CgroupId, const SchedulerView*>;

ById objects(const StatusView& status) {
  ById views;
  for (const auto& view : status.schedulers)
    if (has_object(view))
      views.emplace(view.cgroup, &view);
  return views;
}

class Names {
 public:
  template <class T>
  void compare(const char* property, const T& before, const T& after) {
    if (!(before == after))
      names_.emplace_back(property);
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
};

std::vector<std::string> changed_properties(const StatusView& before, const StatusView& after) {
  Names names;
  names.compare("State", before.state, after.state);
  names.compare("PlanNumber", before.plan_number, after.plan_number);
  names.compare("Cpus", before.nr_cpus, after.nr_cpus);
  names.compare("CpuOfCid", before.cpu_of_cid, after.cpu_of_cid);
  names.compare("Topology", before.places, after.places);
  names.compare("AsPlanned", before.as_planned, after.as_planned);
  names.compare("PolicyFile", before.policy_file, after.policy_file);
  names.compare("PolicyError", before.policy_error, after.policy_error);
  return names.take();
}

std::vector<std::string> changed_properties(const SchedulerView& before,
                                            const SchedulerView& after) {
  Names names;
  names.compare("Cgroup", before.path, after.path);
  names.compare("Delegation", before.delegation, after.delegation);
  names.compare("Scheduler", before.scheduler, after.scheduler);
  names.compare("State", before.state, after.state);
  names.compare("Foreign", before.foreign, after.foreign);
  names.compare("Weight", before.weight, after.weight);
  names.compare("Entitlement", before.entitlement.cpus, after.entitlement.cpus);
  names.compare("NominalEntitlement", before.entitlement.nominal, after.entitlement.nominal);
  names.compare("Awake", before.entitlement.awake, after.entitlement.awake);
  names.compare("Cids", before.held.immed(), after.held.immed());
  names.compare("ExclusiveCids", held_exclusive(before), held_exclusive(after));
  names.compare("SharedCids", held_shared(before), held_shared(after));
  names.compare("BorrowableCids", borrowable(before), borrowable(after));
  names.compare("PlannedExclusiveCids", before.planned_exclusive, after.planned_exclusive);
  names.compare("PlannedSharedCids", before.planned_shared, after.planned_shared);
  names.compare("AsPlanned", before.as_planned, after.as_planned);
  names.compare("LastError", before.last_error, after.last_error);
  return names.take();
}

}  // namespace

StatusDiff diff(const StatusView& before, const StatusView& after) {
  StatusDiff result{changed_properties(before, after), {}, {}, {}};
  const auto old_views = objects(before);
  const auto new_views = objects(after);
  for (const auto& [id, view] : old_views)
    if (!new_views.contains(id))
      result.removed.push_back(id);
  for (const auto& [id, view] : new_views) {
    const auto old_view = old_views.find(id);
    if (old_view == old_views.end()) {
      result.added.push_back(id);
      continue;
    }
    if (auto names = changed_properties(*old_view->second, *view); !names.empty())
      result.changed.push_back({id, std::move(names)});
  }
  return result;
}

}  // namespace fief
