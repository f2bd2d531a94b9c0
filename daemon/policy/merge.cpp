// SPDX-License-Identifier: GPL-2.0-only
#include "policy/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace fief {
namespace {

template <class T>
void lay_over(Setting<T>& under, Setting<T>&& over) {
  if (over.given)
    under = std::move(over);
}

void lay_over(OptionSettings& under, OptionSettings&& over) {
  for (auto& [name, option] : over)
    under[name] = std::move(option);
}

void lay_over(RestartDraft& under, RestartDraft&& over) {
  lay_over(under.enabled, std::move(over.enabled));
  lay_over(under.first_delay, std::move(over.first_delay));
  lay_over(under.max_delay, std::move(over.max_delay));
  lay_over(under.quarantine_after, std::move(over.quarantine_after));
  lay_over(under.max_denied_per_second, std::move(over.max_denied_per_second));
}

void lay_over(RootDraft& under, RootDraft&& over) {
  lay_over(under.min_cpus, std::move(over.min_cpus));
  lay_over(under.options, std::move(over.options));
  lay_over(under.on_stop, std::move(over.on_stop));
}

void lay_over(ClassDrafts& under, ClassDrafts&& over) {
  for (auto& [name, draft] : over) {
    const auto [known, is_new] = under.try_emplace(name, std::move(draft));
    if (!is_new)
      fief::lay_over(known->second, std::move(draft));
  }
}

using IndexByName = std::map<std::string, std::size_t, std::less<>>;
using PlaceByName = std::map<std::string, TextPosition, std::less<>>;

LeftOut left_out_of(const DelegationDraft& draft) {
  return {std::string(draft.place.file), draft.place.at.line,
          draft.identity().value.value_or(std::string{}), draft.left_out};
}

/// Where @p file has the name of @p draft already, of what counts here; else it has it from now on.
const TextPosition* first_of_name(const DelegationDraft& draft, PlaceByName& file) {
  if (!draft.left_out.empty())
    return nullptr;
  const auto [first, is_new] = file.emplace(*draft.identity().value, draft.place.at);
  return is_new ? nullptr : &first->second;
}

/// Takes @p over to what is known by that name; one that is left out gives its place to one that is
/// not.
void amend(DelegationDraft& known, DelegationDraft&& over) {
  if (!over.left_out.empty())
    return;
  if (known.left_out.empty())
    fief::lay_over(known, std::move(over));
  else if (over.has_subject())
    known = std::move(over);
}

/// Adds one file's delegations to @p all; @p known has the index of every name in there.
void add_delegations(std::vector<DelegationDraft>&& added, std::vector<DelegationDraft>& all,
                     IndexByName& known, FaultLog& log) {
  PlaceByName in_this_file;
  for (auto& delegation : added) {
    const auto& identity = delegation.identity();
    if (!identity.value) {
      all.push_back(std::move(delegation));  // its fault is or will be reported
      continue;
    }
    if (const auto* first = first_of_name(delegation, in_this_file)) {
      log.add(identity.place, fmt::format("\"{}\" is there twice in this file, first in line {}",
                                          *identity.value, first->line));
      continue;
    }
    const auto [index, is_new] = known.emplace(*identity.value, all.size());
    if (is_new)
      all.push_back(std::move(delegation));
    else
      amend(all[index->second], std::move(delegation));
  }
}

}  // namespace

void lay_over(DelegationDraft& under, DelegationDraft over) {
  lay_over(under.enabled, std::move(over.enabled));
  lay_over(under.name, std::move(over.name));
  for (const auto& key : kSubjectKeys)
    lay_over(under.*key.setting, std::move(over.*key.setting));
  lay_over(under.selected, std::move(over.selected));
  lay_over(under.class_name, std::move(over.class_name));
  lay_over(under.scheduler, std::move(over.scheduler));
  lay_over(under.options, std::move(over.options));
  lay_over(under.weight, std::move(over.weight));
  lay_over(under.min_cpus, std::move(over.min_cpus));
  lay_over(under.max_cpus, std::move(over.max_cpus));
  lay_over(under.exclusive, std::move(over.exclusive));
  lay_over(under.placement, std::move(over.placement));
  lay_over(under.cores, std::move(over.cores));
  lay_over(under.smt, std::move(over.smt));
  lay_over(under.lend, std::move(over.lend));
  lay_over(under.landing_cpus, std::move(over.landing_cpus));
  lay_over(under.borrow, std::move(over.borrow));
  lay_over(under.perf, std::move(over.perf));
  lay_over(under.tenants, std::move(over.tenants));
  lay_over(under.min_age, std::move(over.min_age));
  lay_over(under.restart, std::move(over.restart));
}

PolicyDraft of_machine(PolicyDraft draft, const Machine& machine) {
  const auto file_unmet = unmet(draft.when, machine);
  if (file_unmet) {
    draft.left_out.push_back({std::string(draft.place.file), draft.place.at.line, "", *file_unmet});
    draft.root = {};
    draft.classes.clear();
  }
  for (auto& delegation : draft.delegations) {
    delegation.left_out = file_unmet ? *file_unmet : unmet(delegation.when, machine).value_or("");
    if (!file_unmet && !delegation.left_out.empty())
      draft.left_out.push_back(left_out_of(delegation));
  }
  return draft;
}

PolicyDraft merge_drafts(std::vector<PolicyDraft> drafts, FaultLog& log) {
  PolicyDraft merged;
  IndexByName known;
  for (auto& draft : drafts) {
    lay_over(merged.root, std::move(draft.root));
    lay_over(merged.classes, std::move(draft.classes));
    add_delegations(std::move(draft.delegations), merged.delegations, known, log);
    std::ranges::move(draft.left_out, std::back_inserter(merged.left_out));
  }
  std::erase_if(merged.delegations,
                [](const DelegationDraft& draft) { return !draft.left_out.empty(); });
  return merged;
}

}  // namespace fief
