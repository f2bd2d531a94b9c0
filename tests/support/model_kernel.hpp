// SPDX-License-Identifier: GPL-2.0-only
// A model of the kernel's cap rules, for tests. It holds what kernel/sched/ext/
// sub.c holds: who is attached where, and which caps each scheduler has on each cid.
//
// Callbacks and events are handed to a post function, as the real kernel's arrive through the
// loop: nothing calls back from inside a call.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/port.hpp"

namespace fief {

class ModelKernel : public KernelPort {
 public:
  using Post = std::function<void(std::function<void()>)>;

  ModelKernel(Topology topology, Post post);

  Status probe() override { return probe_; }
  void set_event_sink(EventSink sink) override { sink_ = std::move(sink); }
  void take_events() override {}
  Result<Adoption> adopt() override;
  void load_root(const Options& options, Done done) override;
  [[nodiscard]] const Topology& topology() const override { return topology_; }
  void expect(const std::vector<AttachRequest>& soon) override { expected_ = soon; }
  /// What it was last told to expect.
  [[nodiscard]] const std::vector<AttachRequest>& expected() const { return expected_; }
  void attach(const AttachRequest& request, Done done) override;
  Status detach(CgroupId cgroup) override;
  [[nodiscard]] Status find_scheduler(const std::string& scheduler) const override;
  [[nodiscard]] Result<SchedulerOptions> options_of(const std::string& scheduler) const override;
  Status kill(CgroupId cgroup, const std::string& reason) override;
  Status leave() override;
  Result<std::vector<RefusedOp>> apply(const LevelPlan& level, const std::vector<GrantOp>& ops,
                                       std::uint64_t plan_number) override;
  Result<Observation> observe() override;
  [[nodiscard]] Result<Counters> counters(CgroupId cgroup) const override;
  [[nodiscard]] Result<ExitInfo> exit_info(CgroupId cgroup) const override;

  // The world outside the daemon.
  void add_cgroup(CgroupId cgroup, std::string path);
  void remove_cgroup(CgroupId cgroup);
  void change_weight(CgroupId cgroup, std::uint32_t weight);
  Status attach_foreign(CgroupId cgroup, const std::string& name);
  void end_scheduler(CgroupId cgroup, std::uint32_t kind, std::int64_t code, std::string message);
  void set_cid_online(Cid cid, bool online);

  // Faults.
  void set_probe(Status status) { probe_ = std::move(status); }
  /// The only schedulers there are from now on; at first there is any.
  void set_schedulers(std::set<std::string> names) { known_ = std::move(names); }
  /// Every scheduler has these options from now on; at first nobody knows any.
  void set_options(SchedulerOptions options) { options_ = std::move(options); }
  /// The object of @p scheduler ("root" as well) is another one from now on.
  void upgrade(const std::string& scheduler) { upgraded_.insert(scheduler); }
  void fail_loads(std::uint32_t count, Error error);
  /// Roots that can be loaded, and then fail when what they replace has gone.
  void fail_root_starts(std::uint32_t count, Error error);
  /// Children that cannot be loaded: what stands in their place stays.
  void fail_child_loads(std::uint32_t count, Error error);
  /// Children that can be loaded, and then fail when what they replace has gone.
  void fail_attaches(std::uint32_t count, Error error);
  /// What the kernel has refused the scheduler of @p cgroup so far.
  void set_denied(CgroupId cgroup, std::uint64_t denied) { counters_[cgroup].denied = denied; }
  /// How long the tasks of the scheduler of @p cgroup have waited so far.
  void set_wake_waits(CgroupId cgroup, const TimeHistogram& waits) {
    counters_[cgroup].wake_waits = waits;
  }
  /// While set, events are lost and counted; clearing it reports the loss.
  void drop_events(bool drop);
  /// While set, attaches and detaches stay under way: the scheduler is attached and can be granted
  /// caps, an attach's callback waits, and a detach has not happened yet.
  void hold_changes(bool hold);

  // For assertions.
  [[nodiscard]] std::uint64_t applies() const { return applies_; }
  [[nodiscard]] std::uint64_t attach_calls() const { return attach_calls_; }
  [[nodiscard]] std::uint64_t root_loads() const { return root_loads_; }
  /// How often somebody asked for a scheduler's options: whoever judges a policy does, once for
  /// each scheduler in it.
  [[nodiscard]] std::uint64_t option_calls() const { return option_calls_; }
  /// Broken rules: a cid with two owners, or a call that makes the real kernel eject its caller.
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Scheduler {
    std::string path;
    CgroupId parent;
    std::string name;
    bool foreign = false;
    bool in_hand = true;  ///< not in between: only then it is told from foreign ones
    std::uint32_t level = 0;
    HeldCaps held;
  };
  struct Faults {
    std::uint32_t left = 0;
    Error error{};
    [[nodiscard]] std::optional<Error> take();
  };

  Status load_and_link(const AttachRequest& request);
  Status link(CgroupId cgroup, const std::string& name, bool foreign);
  [[nodiscard]] CgroupId parent_scheduler(const std::string& path) const;
  void unlink(CgroupId cgroup, const ExitInfo& exit);
  int run(CgroupId scheduler, const GrantOp& op, CidSet& refused);
  CidSet grant(Scheduler& child, const GrantOp& op);
  void revoke(CgroupId child, const GrantOp& op);
  void check_owners(CgroupId scheduler);
  void emit(Event event);
  void change(std::function<void()> work);
  void finish(Done done, Status status);

  Topology topology_;
  Post post_;
  EventSink sink_;
  Status probe_;
  std::map<CgroupId, std::string> cgroups_;
  std::map<CgroupId, Scheduler> schedulers_;  // the root is kSelf
  std::map<CgroupId, ExitInfo> exits_;
  std::map<CgroupId, Counters> counters_;
  std::optional<std::set<std::string>> known_;
  std::optional<SchedulerOptions> options_;
  mutable std::uint64_t option_calls_ = 0;
  std::set<std::string> upgraded_;
  std::map<CgroupId, AttachRequest>
      requests_;  ///< until they are detached, whatever became of them
  Faults load_faults_;
  Faults root_start_faults_;
  Faults child_load_faults_;
  Faults attach_faults_;
  std::uint64_t dropped_ = 0;
  bool dropping_ = false;
  bool holding_ = false;
  std::vector<std::function<void()>> held_changes_;
  std::uint64_t applies_ = 0;
  std::uint64_t attach_calls_ = 0;
  std::uint64_t root_loads_ = 0;
  std::vector<std::string> violations_;
  std::vector<AttachRequest> expected_;
};

}  // namespace fief
