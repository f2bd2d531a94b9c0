// SPDX-License-Identifier: GPL-2.0-only
#include "golden/cli/machines.hpp"

#include <utility>

namespace fief::test {
namespace {

constexpr CpuTime part(double cpus) {
  return static_cast<CpuTime>(cpus * static_cast<double>(kCpuUnit));
}

// Holds exactly what is planned for it.
SchedulerView attached(CgroupId cgroup, std::string path, std::string scheduler,
                       std::uint32_t weight, const CidSet& exclusive, SharedCids shared,
                       std::uint64_t usage_usec) {
  SchedulerView view;
  view.cgroup = cgroup;
  view.path = std::move(path);
  view.scheduler = std::move(scheduler);
  view.state = SchedulerState::attached;
  view.weight = weight;
  view.planned_exclusive = exclusive;
  view.planned_shared = std::move(shared);
  view.held.by_cap = {exclusive, exclusive, exclusive, CidSet{}};
  view.entitlement.cpus = exclusive.size() * kCpuUnit;
  for (const auto& entry : view.planned_shared) {
    view.entitlement.cpus += entry.fraction;
    view.held.by_cap[0].insert(entry.cid);
  }
  // as much again sleeps
  view.entitlement.nominal = view.entitlement.cpus / 2;
  view.as_planned = true;
  view.usage_usec = usage_usec;
  return view;
}

SchedulerView absent(std::string path, SchedulerState state, std::string why) {
  SchedulerView view;
  view.path = std::move(path);
  view.delegation = view.path;
  view.scheduler = "fair";
  view.state = state;
  view.last_error = std::move(why);
  return view;
}

StatusView machine(std::uint32_t nr_cpus, std::vector<SchedulerView> schedulers) {
  StatusView status;
  status.version = "1.2.3";
  status.state = "running";
  status.plan_number = 42;
  status.nr_cpus = nr_cpus;
  status.as_planned = true;
  status.policy_file = "/etc/fief/policy.json";
  status.schedulers = std::move(schedulers);
  return status;
}

}  // namespace

StatusView nested_machine() {
  return machine(
      16, {attached(kSelf, "/", "root", 0, CidSet{0}, {{Cid{1}, part(.25)}}, 3'723'000'000),
           attached(CgroupId{100}, "/demo.slice/a.service", "fair", 100, CidSet{2, 3},
                    {{Cid{1}, part(.375)}}, 12'345'678),
           attached(CgroupId{200}, "/demo.slice/b.service", "latency", 300, CidSet{4, 5, 6, 7, 12},
                    {}, 754'321),
           attached(CgroupId{210}, "/demo.slice/b.service/worker", "batch", 50, CidSet{},
                    {{Cid{8}, part(.03125)}}, 65'432'100),
           attached(CgroupId{300}, "/demo.slice/c.service", "fair", 250,
                    CidSet{9, 10, 11, 13, 14, 15}, {{Cid{1}, part(.375)}}, 7'260'000'000)});
}

StatusView troubled_machine() {
  auto status = machine(
      4, {attached(kSelf, "/", "root", 0, CidSet{0}, {}, 1'000'000),
          attached(CgroupId{10},
                   "/app.slice/app-with-quite-a-long-name-that-nobody-can-remember.service/payload",
                   "fair", 100, CidSet{1, 2}, {{Cid{3}, part(.5)}}, 90'000'000),
          attached(CgroupId{20}, "/machine.slice/guest.scope", "simple_v2", 100, CidSet{},
                   {{Cid{3}, part(.5)}}, 400'000),
          absent("/system.slice/absent.service", SchedulerState::waiting, ""),
          absent("/system.slice/broken.service", SchedulerState::quarantined,
                 "failed 5 times in ten minutes, last: cannot load fair.bpf.o: no such file"),
          absent("/system.slice/flaky.service", SchedulerState::backing_off,
                 "stalled for 5 s; will be attached again in 8 s"),
          absent("/system.slice/new.service", SchedulerState::attaching, ""),
          absent("/system.slice/off.service", SchedulerState::detached, "")});
  status.state = "degraded";
  status.as_planned = false;
  status.policy_error =
      R"(/etc/fief/policy.json:3:5: unknown key "wieght"; did you mean "weight"?)";
  status.schedulers[1].held.by_cap[1] = CidSet{1};
  status.schedulers[1].as_planned = false;
  status.schedulers[2].foreign = true;
  return status;
}

StatusView starting_machine() {
  auto status = machine(8, {});
  status.state = "starting";
  status.plan_number = 0;
  status.as_planned = false;
  return status;
}

}  // namespace fief::test
