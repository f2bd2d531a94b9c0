// SPDX-License-Identifier: GPL-2.0-only
#include "policy/parse.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "policy/draft.hpp"
#include "policy/fault_log.hpp"
#include "policy/json_document.hpp"
#include "policy/merge.hpp"

namespace fief {
namespace {

/// In the order of the sources, then of the places in them. What a class or a pattern hands down is
/// found wrong wherever it arrives, and said once.
void put_in_order(std::vector<PolicyFault>& faults, std::span<const PolicyText> sources) {
  const auto rank = [sources](const PolicyFault& fault) {
    const auto source = std::ranges::find(sources, fault.file, &PolicyText::file);
    return std::tuple(source - sources.begin(), fault.line, fault.column);
  };
  std::ranges::stable_sort(faults, {}, rank);
  const auto [first, last] = std::ranges::unique(faults);
  faults.erase(first, last);
}

}  // namespace

std::vector<PolicyDraft> read_drafts(std::span<const PolicyText> sources,
                                     const Surroundings& surroundings, FaultLog& log) {
  std::vector<PolicyDraft> drafts;
  for (const auto& source : sources) {
    const auto document = parse_json(source.text);
    if (document)
      drafts.push_back(
          of_machine(read_draft(source.file, *document, surroundings, log), surroundings.machine));
    else
      log.add({source.file, document.error().at, document.error().pointer},
              document.error().message);
  }
  return drafts;
}

tl::expected<CompiledPolicy, std::vector<PolicyFault>> compile_sources(
    std::span<const PolicyText> sources, std::vector<PolicyFault> unread,
    const OptionCatalog& catalog, const Surroundings& surroundings) {
  FaultLog log;
  auto drafts = read_drafts(sources, surroundings, log);
  const bool complete = unread.empty() && drafts.size() == sources.size();
  auto merged = merge_drafts(std::move(drafts), log);
  auto delegations = complete_drafts(merged, log);
  auto policy = compile_policy(merged, delegations, complete, catalog, log);

  auto faults = log.take();
  put_in_order(faults, sources);
  std::ranges::move(unread, std::back_inserter(faults));
  if (!faults.empty())
    return tl::unexpected(std::move(faults));
  return CompiledPolicy{std::move(merged.root), std::move(delegations), std::move(policy)};
}

PolicyResult parse_policy(std::span<const PolicyText> sources, std::vector<PolicyFault> unread,
                          const OptionCatalog& catalog, const Surroundings& surroundings) {
  return compile_sources(sources, std::move(unread), catalog, surroundings)
      .map([](CompiledPolicy compiled) { return std::move(compiled.policy); });
}

}  // namespace fief
