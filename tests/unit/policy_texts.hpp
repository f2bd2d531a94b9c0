// SPDX-License-Identifier: GPL-2.0-only
// Policies as tests write them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "policy/parse.hpp"
#include "support/surroundings.hpp"

namespace fief::test {

/// Parses the texts as files "1.json", "2.json" and so on.
inline PolicyResult parse(const std::vector<std::string>& texts) {
  std::vector<PolicyText> sources;
  sources.reserve(texts.size());
  for (const auto& text : texts)
    sources.push_back({fmt::format("{}.json", sources.size() + 1), text});
  return parse_policy(sources, {}, {}, small_machine());
}

/// The faults of the texts, formatted; none if they are fine.
inline std::vector<std::string> faults_of(const std::vector<std::string>& texts) {
  std::vector<std::string> lines;
  const auto policy = parse(texts);
  if (!policy)
    for (const auto& fault : policy.error())
      lines.push_back(format_fault(fault));
  return lines;
}

/// One delegation of /x with further @p keys, as a document.
inline std::string delegation_with(const std::string& keys) {
  return fmt::format(R"({{"delegations": [{{"cgroup": "/x", {}}}]}})", keys);
}

}  // namespace fief::test
