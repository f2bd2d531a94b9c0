// SPDX-License-Identifier: GPL-2.0-only
// Keeps the child schedulers that the policy names attached: one attach at a time, back-off and
// quarantine for those that fail, and the reason for each that ends.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/schedulers/ages.hpp"
#include "control/schedulers/desired.hpp"
#include "control/schedulers/supervision.hpp"
#include "kernel/port.hpp"
#include "status/views.hpp"

namespace fief {

class Children {
 public:
  using Time = Supervision::Time;

  /// @p kernel outlives this object and the callbacks under way. @p jitter yields [0, 1).
  Children(KernelPort& kernel, std::function<double()> jitter)
      : kernel_(kernel), jitter_(std::move(jitter)) {}

  /// A new policy is a new chance for everybody.
  void forgive() {
    supervision_.clear();
    ages_.forgive();
  }
  /// The same for the delegation of cgroup @p path alone.
  void forgive(const std::string& path) {
    supervision_.erase(path);
    ages_.forgive(path);
  }
  /// Goes on with what an earlier daemon attached. One whose object file is another one by now is
  /// not what any policy wants: it will be replaced.
  void adopt(const std::vector<AdoptedScheduler>& adopted);
  /// The root is gone and every child with it, for @p reason; an attach under way will fail and is
  /// not held against anybody.
  void root_gone(std::string_view reason);

  /// Marks as its own what the kernel cannot tell from foreign schedulers: those being attached
  /// or detached just now. Learns which detaches are complete.
  void claim(Observation& observation);
  /// Takes in what the kernel shows: finds those of its own that ended, logs why, and decides
  /// when to try again.
  void note(const Observation& observation, const CgroupTree& cgroups, const Policy& policy,
            Time now);
  /// Begins to detach what is not wanted (to_detach()); true if there was any.
  bool detach_unwanted(const std::vector<Desired>& desired, const Observation& observation,
                       Time now);
  /// Ends those that the kernel had to refuse more often than the policy of @p policy bears; what
  /// follows is what follows any failure.
  void end_misbehaving(const CgroupTree& cgroups, const Policy& policy, Time now);
  /// The delegations to attach; none while one is being attached. The arguments outlive it.
  [[nodiscard]] AttachQueue to_attach(const std::vector<Desired>& desired,
                                      const Observation& observation, Time now) const;
  /// Starts to attach, in the place of what is there, which goes on until its successor is loaded;
  /// @p done gets the outcome and hands it to finish_attach().
  void attach(const Delegation& delegation, CgroupId cgroup, KernelPort::Done done);
  /// Takes in the outcome of the attach under way. A cgroup that has gone meanwhile is no failure.
  void finish_attach(const Status& outcome, bool cgroup_exists, Time now);
  /// Says why a delegation is not attached though nothing has failed.
  void hold_back(const Delegation& delegation, std::string why);

  [[nodiscard]] bool is_attaching() const { return attaching_.has_value(); }
  /// When, after @p now, something falls due that no event announces.
  [[nodiscard]] std::optional<Time> next_deadline(Time now) const;
  /// @p cgroup: the delegation's.
  [[nodiscard]] SchedulerState state(const Delegation& delegation, CgroupId cgroup) const;
  [[nodiscard]] std::string last_error(const Delegation& delegation) const;
  /// How long @p cgroup, which is @p delegation's, must wait for its scheduler because it is young;
  /// zero: it need not, or has one.
  [[nodiscard]] std::chrono::milliseconds youth(const Delegation& delegation, CgroupId cgroup,
                                                Time now) const;
  /// Why the scheduler at @p cgroup goes on though @p delegation wants another or other options;
  /// empty: it is the wanted one, nothing has failed yet, or there is none.
  [[nodiscard]] std::string why_not_replaced(const Delegation& delegation, CgroupId cgroup) const;
  /// The scheduler that this daemon has at @p cgroup; empty: none.
  [[nodiscard]] std::string scheduler_at(CgroupId cgroup) const;
  /// Whether it has failed for good, and nothing is attached in its stead.
  [[nodiscard]] bool is_out(const Delegation& delegation) const;
  /// Whether a detach is under way.
  [[nodiscard]] bool is_detaching() const { return !leaving_.empty(); }
  /// Whether the scheduler at @p cgroup, where @p delegation has one, is about to go or to be
  /// replaced.
  [[nodiscard]] bool is_changing(const Delegation& delegation, CgroupId cgroup) const;
  /// Why schedulers that are no longer there went, for StatusListener; told once.
  std::map<CgroupId, std::string> take_reasons() { return std::exchange(reasons_, {}); }

 private:
  struct Attempt {
    Delegation delegation;
    CgroupId cgroup;
    std::uint64_t generation = 0;
  };

  [[nodiscard]] Situation situation(const std::vector<Desired>& desired,
                                    const Observation& observation, Time now) const;
  [[nodiscard]] Standing standing(const Delegation& delegation, Time now) const;
  [[nodiscard]] bool is_attaching_to(CgroupId cgroup) const {
    return attaching_ && attaching_->cgroup == cgroup;
  }
  [[nodiscard]] bool keeps_old(const Delegation& delegation, CgroupId cgroup) const;
  void forget_if_gone(CgroupId cgroup);
  void put(const Attempt& attempt);
  void report_failure(const Attempt& attempt, const std::string& why, Time now) const;
  [[nodiscard]] const Supervision* find(const Delegation& delegation) const;
  void ended(CgroupId cgroup, const ExitInfo& exit, const CgroupTree& cgroups, const Policy& policy,
             Time now);
  void forget_undelegated(const Policy& policy);
  void judge(const Delegation& delegation, CgroupId cgroup, Time now);
  void failed(const std::string& path, CgroupId cgroup, const Policy& policy, const ExitInfo& exit,
              Time now);

  KernelPort& kernel_;
  std::function<double()> jitter_;
  std::map<CgroupId, Loaded> loaded_;
  std::map<CgroupId, Loaded> leaving_;      ///< detach requested, still observed
  std::map<CgroupId, Time> missing_since_;  ///< loaded, not observed, exit record awaited
  std::map<std::string, Supervision, std::less<>> supervision_;  ///< by cgroup path
  Ages ages_;
  Misconduct misconduct_;
  std::map<CgroupId, std::string> reasons_;  ///< until taken
  std::optional<Attempt> attaching_;
  std::uint64_t generation_ = 0;  ///< of the root scheduler
};

}  // namespace fief
