// SPDX-License-Identifier: GPL-2.0-only
// A reload of the policy's files: judged as a whole, then put in force. And the same on trial, with
// the plan that would follow, and nothing changed.
#include <utility>

#include "control/controller.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "judge/impossible.hpp"
#include "status/reload_preview.hpp"

namespace fief {

void Controller::reload(Done done) {
  policy_.end_tenancies();
  auto read = policy_.reread();
  if (!read) {
    policy_.refuse(read.error());
    publish();
    return done(fail(Errc::invalid, "{}", policy_.error()));
  }
  for (const auto& name : read->lifted)
    log::notice({.message_id = message::kRequested},
                "what was changed of \"{}\" until a restart ends with its delegation", name);
  log_contradicted(read->contradicted);
  if (const auto adopted = adopt_reloaded(std::move(*read)); !adopted) {
    policy_.refuse(adopted.error().message);
    log::error({.message_id = message::kPolicyRefused},
               "the new policy is refused and the old one stays in force: {}", policy_.error());
    publish();
    return done(adopted);
  }
  answer_later(
      [this] {
        return policy_.root_refusal().empty() ? delegations_in_force()
                                              : fail(Errc::kernel, "{}", policy_.root_refusal());
      },
      std::move(done), all_there_now());
}

// Where nothing is planned yet, what cannot be shows when it is tried. Tenants' wishes that cannot
// be are held back, and no fault of who reloads.
Status Controller::check_demands(const ReadPolicy& read) const {
  if (!root_.is_running())
    return {};
  auto policy = read.made.policy;
  std::erase_if(policy.delegations,
                [tenants = tenants_of(read.layers)](const Delegation& delegation) {
                  return tenants.contains(delegation.cgroup);
                });
  const auto faults = impossible_demands(policy, read.made.shown, kernel_.topology());
  return faults.empty() ? Status{} : fail(Errc::infeasible, "{}", format_faults(faults));
}

Status Controller::adopt_reloaded(ReadPolicy read) {
  if (const auto possible = check_demands(read); !possible)
    return possible;
  if (const auto feasible =
          reconciler_.check_feasible(read.made.policy, read.layers, /*asking=*/nullptr);
      !feasible)
    return feasible;
  const bool was_refused = policy_.forget_root_refusal();
  const bool other_root = was_refused || read.made.policy.root.options != root_.options();
  policy_.adopt_read(std::move(read), other_root);
  children_.forgive();
  // The root's options are part of its program: they need another root. One that is being loaded
  // now learns of them when it is there.
  if (root_.is_running() && other_root)
    root_.load();
  else if (root_.is_running())
    policy_.keep();
  return {};
}

Result<ExplanationTexts> Controller::preview_reload() const {
  if (!root_.is_running())
    return fail(Errc::stale, "the root scheduler is not loaded, so nothing can be planned");
  const auto read = policy_.read();
  if (!read)
    return fail(Errc::invalid, "{}", format_faults(read.error()));
  if (const auto possible = check_demands(*read); !possible)
    return tl::unexpected(possible.error());
  const auto& now = reconciler_.plan();
  const auto plan = reconciler_.plan_if(read->made.policy, read->layers);
  if (!plan)
    return tl::unexpected(plan.error());
  ReloadPreview preview;
  preview.other_root = read->made.policy.root.options != root_.options();
  compare_policies(policy_.shown(), read->made.shown, preview);
  preview.cpus = compare_plans(now.plan(), *plan, kernel_.topology(), watcher_.tree());
  return ExplanationTexts{to_text(preview), to_json(preview)};
}

}  // namespace fief
