// SPDX-License-Identifier: GPL-2.0-only
// A reload on trial: the same judgements and the plan that would follow, and nothing changed.
#include "api/reload_preview.hpp"
#include "control/compare.hpp"
#include "control/controller.hpp"
#include "control/planning.hpp"

namespace fief {

Result<ExplanationTexts> Controller::preview_reload() const {
  if (phase_ != Phase::running)
    return fail(Errc::stale, "the root scheduler is not loaded, so nothing can be planned");
  const auto read = read_layers();
  const auto policy = read.and_then(
      [this](const ReadLayers& found) { return effective_policy(found.layers, options_); });
  if (!policy)
    return fail(Errc::invalid, "{}", format_faults(policy.error()));
  const auto plan = plan_if(*policy, previous_plan());
  if (!plan)
    return tl::unexpected(plan.error());
  ReloadPreview preview;
  preview.other_root = policy->root.options != root_options_;
  compare_policies(shown_, show_policy(sources_of(read->layers)).value_or(ShownPolicy{}), preview);
  preview.cpus = compare_plans(plan_, *plan, kernel_.topology(), watcher_.tree());
  return ExplanationTexts{to_text(preview), to_json(preview)};
}

}  // namespace fief
