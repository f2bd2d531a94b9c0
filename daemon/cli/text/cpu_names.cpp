// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/cpu_names.hpp"

#include <fmt/format.h>

#include "status/view_facts.hpp"

namespace fief::cli {
namespace {

std::string render_fraction(CpuTime fraction) {
  const auto percent = 100 * to_cpus(fraction);
  if (percent < 10)
    return fmt::format("{:.1f}%", percent);
  return fmt::format("{:.0f}%", percent);
}

}  // namespace

std::string_view CpuNames::heading() const {
  return cpu_of_cid_.empty() ? "CIDS" : "CPUS";
}

std::string CpuNames::render(const CidSet& exclusive, const SharedCids& shared) const {
  CidSet numbers;
  for (const auto cid : exclusive)
    numbers.insert(number(cid));
  auto text = numbers.to_string();
  for (const auto& entry : shared)
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", render_fraction(entry.fraction),
                        number(entry.cid).value);
  return text.empty() ? "none" : text;
}

Cid CpuNames::number(Cid cid) const {
  return cid.value < cpu_of_cid_.size() ? Cid{cpu_of_cid_[cid.value]} : cid;
}

}  // namespace fief::cli
