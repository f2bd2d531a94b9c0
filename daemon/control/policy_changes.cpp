// SPDX-License-Identifier: GPL-2.0-only
#include "control/policy_changes.hpp"

namespace fief {

Result<Candidate> PolicyChanges::changed(const DelegationChange& change,
                                         const ChangeRequest& request) const {
  if (request.lifetime == Lifetime::until_restart)
    return changed_at_run_time(
        policy_.layers(), {.hold = 0, .origin = "run time, " + request.requester, .change = change},
        policy_.options());
  return writable_drop_in(change.name).and_then([&](DropIn drop_in) {
    return changed_for_good(policy_.layers(), change, std::move(drop_in), policy_.options());
  });
}

Result<Candidate> PolicyChanges::boosted(std::uint64_t hold, DelegationChange change,
                                         const std::string& requester) const {
  return changed_at_run_time(
      policy_.layers(),
      {.hold = hold, .origin = "boost, " + requester, .change = std::move(change)},
      policy_.options());
}

Result<Candidate> PolicyChanges::reverted(const std::string& name) const {
  return present_drop_in(name).and_then(
      [&](DropIn drop_in) { return fief::reverted(policy_.layers(), name, std::move(drop_in)); });
}

// What the daemon may not write is no want of privileges of whoever asks.
Status PolicyChanges::write(const Candidate& candidate) const {
  if (!candidate.drop_in)
    return {};
  const auto& path = candidate.drop_in->path;
  const auto written = drop_ins_->write(path.substr(path.rfind('/') + 1), candidate.drop_in->text);
  if (!written)
    return fail(Errc::io, "nothing is changed, since it cannot be kept: {}",
                written.error().message);
  return {};
}

// The text on disk counts: somebody may have edited it since.
Result<DropIn> PolicyChanges::present_drop_in(const std::string& delegation) const {
  if (!drop_ins_)
    return DropIn{};
  const auto name = drop_in_name(delegation);
  const auto path = drop_ins_->path(name);
  auto text = drop_ins_->read(name);
  if (!text)
    return fail(Errc::io, "{}: {}", path, text.error().message);
  return DropIn{path, std::move(*text)};
}

Result<DropIn> PolicyChanges::writable_drop_in(const std::string& delegation) const {
  if (!drop_ins_)
    return fail(Errc::unsupported,
                "the daemon was started with policy files of its own, so only changes until its "
                "restart are possible (fiefctl: --runtime)");
  return present_drop_in(delegation);
}

}  // namespace fief
