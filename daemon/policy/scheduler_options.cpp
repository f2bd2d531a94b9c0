// SPDX-License-Identifier: GPL-2.0-only
#include "policy/scheduler_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "policy/suggest.hpp"

namespace fief {
namespace {

struct OwnRange {
  std::string_view name;
  std::int64_t least;
  std::int64_t most;
};
// A turn that is too short costs more than it gives; one that is too long is waited for.
constexpr std::array kOwnRanges{OwnRange{"slice_us", 100, 1'000'000},
                                OwnRange{"turn_us", 1'000, 100'000}};

std::string unknown_option(const SchedulerOptions& options, std::string_view name) {
  if (options.empty())
    return fmt::format("the scheduler has no option \"{}\", nor any other", name);
  std::vector<std::string_view> names;
  for (const auto& [known, range] : options)
    names.push_back(known);
  return fmt::format("the scheduler has no option \"{}\"{}", name, did_you_mean(name, names));
}

std::string written(const OptionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return fmt::format("\"{}\"", *text);
  const auto* flag = std::get_if<bool>(&value);
  return flag != nullptr ? fmt::format("{}", *flag)
                         : fmt::format("{}", std::get<std::int64_t>(value));
}

}  // namespace

tl::unexpected<Error> no_such_scheduler(std::string_view name,
                                        const std::set<std::string>& others) {
  const std::vector<std::string_view> names(others.begin(), others.end());
  if (names.empty())
    return fail(Errc::not_found, "there is no scheduler \"{}\", nor any other", name);
  return fail(Errc::not_found, "there is no scheduler \"{}\"; there are {}{}", name,
              fmt::join(names, ", "), did_you_mean(name, names));
}

void narrow_to_own_ranges(SchedulerOptions& options) {
  for (const auto& [name, least, most] : kOwnRanges)
    if (const auto found = options.find(name); found != options.end())
      found->second = {.least = std::max(found->second.least, least),
                       .most = std::min(found->second.most, most)};
}

std::string option_fault(const SchedulerOptions& options, std::string_view name,
                         const OptionValue& value) {
  const auto found = options.find(name);
  if (found == options.end())
    return unknown_option(options, name);
  const auto& range = found->second;
  const auto number = option_number(value);
  if (range.is_bool)
    return number == 0 || number == 1
               ? ""
               : fmt::format("{} is {}, it must be true or false", name, written(value));
  if (!number || *number < range.least || *number > range.most)
    return fmt::format("{} is {}, it must lie between {} and {}", name, written(value), range.least,
                       range.most);
  return "";
}

std::optional<std::int64_t> option_number(const OptionValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return *number;
  if (const auto* flag = std::get_if<bool>(&value))
    return *flag ? 1 : 0;
  return std::nullopt;
}

}  // namespace fief
