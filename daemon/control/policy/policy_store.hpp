// SPDX-License-Identifier: GPL-2.0-only
// The policy in force: the layers it is made of, what it says of the cgroups there are, and the
// last good one for the next start. It judges what it reads; whether a policy is feasible, and when
// one is put in force, others decide.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/watcher.hpp"
#include "control/policy/tenancy.hpp"
#include "policy/kept_policy.hpp"
#include "policy/layers.hpp"
#include "policy/load.hpp"
#include "policy/resolve.hpp"
#include "policy/show.hpp"

namespace fief {

struct PolicyPlaces {
  std::function<PolicySources()> read;
  std::function<std::string()> names;  ///< of what read() reads, for people
  /// Where the last good policy is kept for the next start; unset: nowhere.
  std::optional<KeptPolicy> kept;
  CgroupOwner owner_of;  ///< to tell when what tenants made ends
};

/// What the files say now, under the run-time changes they leave a place for.
struct ReadPolicy {
  PolicyLayers layers;
  TracedPolicy made;
  std::vector<std::string> lifted;        ///< delegations whose run-time changes have no place left
  std::vector<std::string> contradicted;  ///< tenants' of which something has to go
};

/// Tells that something of tenants' delegations @p names had to go.
void log_contradicted(const std::vector<std::string>& names);

/// "3 delegations and 1 pattern", for people.
std::string delegations_in(const Policy& written);

class PolicyStore {
 public:
  using Faults = std::vector<PolicyFault>;

  /// @p watcher outlives this object.
  PolicyStore(PolicyPlaces places, OptionCatalog options, CgroupWatcher& watcher);

  /// Puts in force what the files say. One with faults is reported and replaced by the last good
  /// one, or an empty one.
  void start();
  /// What the files say now, judged; nothing changes.
  [[nodiscard]] tl::expected<ReadPolicy, Faults> read() const;
  /// The same, and names() tells of the files that there are now.
  tl::expected<ReadPolicy, Faults> reread();

  /// Puts a policy in force.
  void adopt(PolicyLayers layers, TracedPolicy made);
  /// The same with what the files say, without a fault. @p other_root: only the root scheduler that
  /// is loaded next can tell whether it stays.
  void adopt_read(ReadPolicy read, bool other_root);
  /// Why the files' policy is not in force.
  void refuse(const Faults& faults);
  void refuse(std::string why) { error_ = std::move(why); }

  /// The root is the one that the policy asks for.
  void root_accepted() { before_.reset(); }
  /// It is not, for the reason given; puts the policy of before in force again, if there was one.
  void root_refused(std::string why);
  /// Another try is under way; true if there was a refusal.
  bool forget_root_refusal() { return !std::exchange(root_refusal_, {}).empty(); }

  /// Keeps the policy for the next start. Not before the root that it asks for is there: that may
  /// refuse its options.
  void keep() const;
  /// Takes in cgroups that came or went.
  void follow_cgroups();
  /// Ends what tenants made where its cgroup, its owner or its room is gone (tenancy.hpp).
  void end_tenancies();
  /// The cgroup at @p path as of now; kSelf: there is none.
  [[nodiscard]] CgroupId cgroup_at(std::string_view path) const;

  /// Another number whenever another policy is put in force.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  /// As it was written.
  [[nodiscard]] const Policy& written() const { return resolver_.written(); }
  /// The same with its origins.
  [[nodiscard]] const ShownPolicy& shown() const { return shown_; }
  /// Of the cgroups there are.
  [[nodiscard]] const Policy& resolved() const { return policy_; }
  [[nodiscard]] const PolicyLayers& layers() const { return layers_; }
  /// What is known of the schedulers' options.
  [[nodiscard]] const OptionCatalog& options() const { return options_; }
  /// Whose files they are, for people.
  [[nodiscard]] std::string names() const;
  /// Why the files' policy is not in force; empty: it is.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// Why the root is not the one that the policy asks for; empty: it is.
  [[nodiscard]] const std::string& root_refusal() const { return root_refusal_; }

 private:
  struct ReadLayers {
    PolicyLayers layers;
    std::vector<std::string> lifted;
  };
  [[nodiscard]] tl::expected<ReadLayers, Faults> read_layers() const;
  void start_with_faults(tl::expected<ReadLayers, Faults> read);
  [[nodiscard]] bool start_with_kept();
  void put(PolicyLayers layers, TracedPolicy made);
  void resolve();

  PolicyPlaces places_;
  OptionCatalog options_;
  CgroupWatcher& watcher_;
  PolicyLayers layers_;  ///< what resolver_ is made of
  std::uint64_t revision_ = 0;
  PolicyResolver resolver_;
  Policy policy_;                       ///< of the cgroups there are
  std::uint64_t resolved_ = 0;          ///< the watcher's generation for which policy_ is
  std::set<std::string> too_deep_;      ///< cgroups that are known to be nested too deep
  ShownPolicy shown_;                   ///< what resolver_ is made of, with its origins
  std::optional<PolicyLayers> before_;  ///< in force until the root that they do not have
  std::string names_;
  std::string error_;
  std::string root_refusal_;
  bool is_sound_ = false;  ///< what its files say, without a fault
  bool is_kept_ = false;   ///< the last good one, its files are faulty by now
};

}  // namespace fief
