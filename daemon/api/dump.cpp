// SPDX-License-Identifier: GPL-2.0-only
#include "api/dump.hpp"

#include <fmt/format.h>

#include "core/sealed_memory.hpp"
#include "status/policy_json.hpp"
#include "status/view_json.hpp"

namespace fief {
namespace {

constexpr int kIndent = 2;

}  // namespace

std::string dump_text(const StatusView& status, const ShownPolicy& policy) {
  return fmt::format("# fiefd {}\n\n# status\n{}\n\n# policy\n{}\n", status.version,
                     to_json(status, kIndent), to_json(policy, kIndent));
}

Result<UniqueFd> as_descriptor(const std::string& text) {
  return sealed_memory("fief-dump", text);
}

}  // namespace fief
