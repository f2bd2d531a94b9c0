// SPDX-License-Identifier: GPL-2.0-only
// Which schedulers should be attached where, and what leads there from what is. Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
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

/// Whether a delegation may be attached now.
enum class Standing { ready, waiting, out };

/// What the steps below are worked out from.
struct Situation {
  const std::vector<Desired>& desired;
  const Observation& observation;
  const std::map<CgroupId, Loaded>& loaded;
  std::function<Standing(const Delegation&)> standing;  ///< not of those attached
};

/// Every delegation of @p policy whose cgroup is in @p cgroups, parents before children.
std::vector<Desired> desired_attachments(const Policy& policy, const CgroupTree& cgroups);

/// Loaded schedulers to detach, children before parents: those no longer wanted, those wanted with
/// another scheduler or other options, and those that stand below a cgroup where one is to be
/// attached (the kernel inserts no scheduler above another).
std::vector<CgroupId> to_detach(const Situation& situation);

/// The next delegation to attach, or nullptr. Below one that is due for another try nothing is
/// attached, since it would have to go again; below one that is out for good, it is.
const Desired* next_to_attach(const Situation& situation);

}  // namespace fief
