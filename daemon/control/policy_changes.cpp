// SPDX-License-Identifier: GPL-2.0-only
#include "control/policy_changes.hpp"

#include <fmt/format.h>

#include <utility>

namespace fief {
namespace {

std::uint32_t tenant(const Requester& requester) {
  return requester.is_tenant ? requester.uid : 0;
}

}  // namespace

Result<Trial> PolicyChanges::changed(const DelegationChange& change, const ChangeTerms& terms,
                                     const std::string& cgroup) const {
  if (terms.lifetime == Lifetime::until_restart)
    return [&policy = policy_, at_run_time = RuntimeChange{
                                   .hold = 0,
                                   .origin = fmt::format("run time, uid {}", terms.requester.uid),
                                   .change = change,
                                   .tenant = tenant(terms.requester),
                                   .cgroup = policy_.cgroup_at(cgroup)}] {
      return changed_at_run_time(policy.layers(), at_run_time, policy.options());
    };
  return writable_drop_in(change.name).map([&](const DropIn& drop_in) -> Trial {
    return [&policy = policy_, change, drop_in] {
      return changed_for_good(policy.layers(), change, drop_in, policy.options());
    };
  });
}

Trial PolicyChanges::boosted(std::uint64_t hold, DelegationChange change,
                             const Requester& requester) const {
  return [&policy = policy_,
          boost = RuntimeChange{.hold = hold,
                                .origin = fmt::format("boost, uid {}", requester.uid),
                                .change = std::move(change),
                                .tenant = tenant(requester),
                                .cgroup = kSelf}] {
    return changed_at_run_time(policy.layers(), boost, policy.options());
  };
}

Result<Trial> PolicyChanges::reverted(const std::string& name) const {
  return present_drop_in(name).map([&](const DropIn& drop_in) -> Trial {
    return [&policy = policy_, name, drop_in] {
      return fief::reverted(policy.layers(), name, drop_in);
    };
  });
}

// The text on disk counts: somebody may have edited it since.
Result<DropIn> PolicyChanges::present_drop_in(const std::string& delegation) const {
  if (drop_ins_ == nullptr)
    return DropIn{};
  const auto name = drop_in_name(delegation);
  const auto path = drop_ins_->path(name);
  auto text = drop_ins_->read(name);
  if (!text)
    return fail(Errc::io, "{}: {}", path, text.error().message);
  return DropIn{path, std::move(*text)};
}

Result<DropIn> PolicyChanges::writable_drop_in(const std::string& delegation) const {
  if (drop_ins_ == nullptr)
    return fail(Errc::unsupported,
                "the daemon was started with policy files of its own, so only changes until its "
                "restart are possible (fiefctl: --runtime)");
  return present_drop_in(delegation);
}

}  // namespace fief
