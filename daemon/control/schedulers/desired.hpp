// SPDX-License-Identifier: GPL-2.0-only
// Which schedulers should be attached where, and what leads there from what is. Pure.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/tree.hpp"
#include "kernel/port.hpp"
#include "policy/policy.hpp"

namespace fief {

/// A delegation whose cgroup exists.
struct Desired {
  const Delegation* delegation = nullptr;  ///< in the policy it was made from
  CgroupId cgroup;
};

/// A scheduler this daemon, or one before it, has attached.
struct Loaded {
  std::string path;  ///< of its cgroup
  std::string scheduler;
  Options options;
  bool current = true;  ///< its object file is still the one it was loaded from
};

/// Whether @p loaded is what @p delegation wants at its cgroup.
bool is_current(const Loaded& loaded, const Delegation& delegation);

/// Whether a delegation may be attached now.
enum class Standing { ready, waiting, out };

/// What the steps below are worked out from.
struct Situation {
  const std::vector<Desired>& desired;
  const Observation& observation;
  const std::map<CgroupId, Loaded>& loaded;
  std::function<Standing(const Delegation&)> standing;
};

AttachRequest attach_request(const Desired& desired);

/// Every delegation of @p policy whose cgroup is in @p cgroups, parents before children.
std::vector<Desired> desired_attachments(const Policy& policy, const CgroupTree& cgroups);

/// Loaded schedulers to detach, children before parents: those no longer wanted, and those that
/// stand below a cgroup where one is to be attached (the kernel inserts no scheduler above
/// another). Where another scheduler or other options are wanted the one there stays until its
/// successor is loaded: that is an attach.
std::vector<CgroupId> to_detach(const Situation& situation);

/// The delegations to attach, also in the place of what they had before, one after the other, the
/// outermost first. Below one that is due for
/// another try nothing is attached, since it would have to go again; below one that is out for
/// good, or passed over, it is. What the situation refers to outlives it.
class AttachQueue {
 public:
  AttachQueue() = default;
  explicit AttachQueue(const Situation& situation);

  /// The one whose turn it is; nullptr: there is none.
  [[nodiscard]] const Desired* next() const { return at_ < ready_.size() ? ready_[at_] : nullptr; }
  /// There is no room for that one now.
  void pass_over();
  /// Those after it, in their order, whoever may yet have to wait for another.
  [[nodiscard]] std::vector<AttachRequest> rest() const;

 private:
  void skip_waiting();

  std::vector<const Desired*> ready_;   ///< by path
  std::set<std::string_view> awaited_;  ///< paths of those that are missing and not out for good
  std::size_t at_ = 0;                  ///< of next(), in ready_
};

}  // namespace fief
