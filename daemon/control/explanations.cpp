// SPDX-License-Identifier: GPL-2.0-only
// Why things are as they are, from what the controller knows.
#include <algorithm>

#include "api/explain_json.hpp"
#include "api/plan_document.hpp"
#include "control/compare.hpp"
#include "control/controller.hpp"
#include "plan/explain.hpp"

namespace fief {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string Controller::plan() const {
  const auto& cgroups = watcher_.tree();
  return to_json(kernel_.topology(), cgroups_of(plan_, cgroups), plan_);
}

Result<ExplanationTexts> Controller::explain(const std::string& subject) const {
  const auto attached = attachments(observation_);
  const PlanInput input{.topology = kernel_.topology(),
                        .cgroups = watcher_.tree(),
                        .policy = policy_,
                        .attachments = attached,
                        .previous = previous_plan()};
  // A number is a CPU, whatever delegations are called.
  const auto* known = is_number(subject) ? nullptr : find_delegation(policy_, subject);
  if (known == nullptr && !is_number(subject) && !subject.starts_with('/'))
    return fail(Errc::not_found,
                "\"{}\" is neither a cgroup's path, nor a delegation, nor a CPU's number", subject);
  return fief::explain(plan_, input, known == nullptr ? subject : known->cgroup)
      .map([](const Explanation& why) {
        return ExplanationTexts{to_text(why), json::to_text(json::write(why))};
      });
}

}  // namespace fief
