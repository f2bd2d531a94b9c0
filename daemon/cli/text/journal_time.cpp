// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/journal_time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <optional>

namespace fief::cli {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::uint64_t kYear = 365 * kDay + kDay / 4;
// Year 9999: no later date has four digits.
constexpr double kLatest = 253'402'300'799e6;

struct Unit {
  std::string_view name;
  std::uint64_t usec;
};

constexpr std::array kUnits{Unit{"us", 1},
                            Unit{"usec", 1},
                            Unit{"ms", 1000},
                            Unit{"msec", 1000},
                            Unit{"s", kSecond},
                            Unit{"sec", kSecond},
                            Unit{"second", kSecond},
                            Unit{"seconds", kSecond},
                            Unit{"m", kMinute},
                            Unit{"min", kMinute},
                            Unit{"minute", kMinute},
                            Unit{"minutes", kMinute},
                            Unit{"h", kHour},
                            Unit{"hr", kHour},
                            Unit{"hour", kHour},
                            Unit{"hours", kHour},
                            Unit{"d", kDay},
                            Unit{"day", kDay},
                            Unit{"days", kDay},
                            Unit{"w", 7 * kDay},
                            Unit{"week", 7 * kDay},
                            Unit{"weeks", 7 * kDay},
                            Unit{"M", kYear / 12},
                            Unit{"month", kYear / 12},
                            Unit{"months", kYear / 12},
                            Unit{"y", kYear},
                            Unit{"year", kYear},
                            Unit{"years", kYear}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

// Takes what @p matches off the front of @p text.
template <class Matches>
std::string_view take(std::string_view& text, Matches matches) {
  const auto end = std::ranges::find_if_not(text, matches);
  const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

// Digits and at most one point. Not by from_chars: older compilers have none for fractions.
std::optional<double> number_of(std::string_view text) {
  double value = 0;
  double place = 0;
  for (const char c : text) {
    if (c == '.' ? place != 0 : !is_digit(c))
      return std::nullopt;
    if (c == '.') {
      place = 1;
      continue;
    }
    value = value * 10 + (c - '0');
    place *= 10;
  }
  if (text.empty() || !is_digit(text.front()) || !is_digit(text.back()))
    return std::nullopt;
  return place == 0 ? value : value / place;
}

// "1h 30min", "2 days", "90": in microseconds.
std::optional<double> span_of(std::string_view text) {
  double sum = 0;
  text = trimmed(text);
  if (text.empty())
    return std::nullopt;
  while (!text.empty()) {
    const auto number = number_of(take(text, [](char c) { return is_digit(c) || c == '.'; }));
    text = trimmed(text);
    const auto name = take(text, is_letter);
    const auto* unit = std::ranges::find(kUnits, name.empty() ? "s" : name, &Unit::name);
    if (!number || unit == kUnits.end())
      return std::nullopt;
    sum += *number * static_cast<double>(unit->usec);
    text = trimmed(text);
  }
  return sum;
}

std::tm local_time(std::uint64_t usec) {
  const auto seconds = static_cast<std::time_t>(usec / kSecond);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return local;
}

std::optional<std::uint64_t> usec_of(std::tm local) {
  local.tm_isdst = -1;
  const auto seconds = std::mktime(&local);
  return seconds < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(seconds) * kSecond);
}

std::optional<std::uint64_t> midnight(std::uint64_t now_usec, int days) {
  auto local = local_time(now_usec);
  local.tm_hour = local.tm_min = local.tm_sec = 0;
  local.tm_mday += days;
  return usec_of(local);
}

// The whole of @p text, of that many digits.
std::optional<int> digits(std::string_view text, std::size_t count) {
  int value = 0;
  if (text.size() != count || !std::ranges::all_of(text, is_digit))
    return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "2026-11-27", into @p local.
bool read_date(std::string_view text, std::tm& local) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-')
    return false;
  const auto year = digits(text.substr(0, 4), 4);
  const auto month = digits(text.substr(5, 2), 2);
  const auto day = digits(text.substr(8, 2), 2);
  if (!year || !month || !day)
    return false;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok())
    return false;
  local.tm_year = *year - 1900;
  local.tm_mon = *month - 1;
  local.tm_mday = *day;
  return true;
}

// "18:30" or "18:30:05", into @p local.
bool read_clock(std::string_view text, std::tm& local) {
  const bool has_seconds = text.size() == 8 && text[5] == ':';
  if ((text.size() != 5 && !has_seconds) || text[2] != ':')
    return false;
  const auto hour = digits(text.substr(0, 2), 2);
  const auto minute = digits(text.substr(3, 2), 2);
  const auto second = has_seconds ? digits(text.substr(6, 2), 2) : std::optional(0);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59)
    return false;
  local.tm_hour = *hour;
  local.tm_min = *minute;
  local.tm_sec = *second;
  return true;
}

std::optional<std::uint64_t> date_and_clock(std::string_view text, std::uint64_t now_usec) {
  auto local = local_time(now_usec);
  local.tm_hour = local.tm_min = local.tm_sec = 0;
  if (read_clock(text, local))
    return usec_of(local);
  if (!read_date(text.substr(0, 10), local))
    return std::nullopt;
  const auto rest = text.size() > 10 ? text.substr(10) : std::string_view{};
  if (rest.empty())
    return usec_of(local);
  const bool is_apart = rest.front() == ' ' || rest.front() == 'T';
  return is_apart && read_clock(trimmed(rest.substr(1)), local) ? usec_of(local) : std::nullopt;
}

std::optional<std::uint64_t> in_range(std::optional<double> usec) {
  if (!usec || *usec < 0 || *usec > kLatest)
    return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*usec));
}

// Before 1970 there is nothing: the longest spans go back to its beginning.
std::optional<std::uint64_t> before(std::uint64_t now_usec, std::optional<double> span) {
  return span ? in_range(std::max(static_cast<double>(now_usec) - *span, 0.0)) : std::nullopt;
}

std::optional<std::uint64_t> relative(std::string_view text, std::uint64_t now_usec) {
  constexpr std::string_view kAgo = " ago";
  if (text.starts_with('-'))
    return before(now_usec, span_of(text.substr(1)));
  if (text.ends_with(kAgo))
    return before(now_usec, span_of(text.substr(0, text.size() - kAgo.size())));
  if (!text.starts_with('+'))
    return std::nullopt;
  const auto span = span_of(text.substr(1));
  return span ? in_range(static_cast<double>(now_usec) + *span) : std::nullopt;
}

std::optional<std::uint64_t> named(std::string_view text, std::uint64_t now_usec) {
  if (text == "now")
    return now_usec;
  if (text == "today")
    return midnight(now_usec, 0);
  if (text == "yesterday")
    return midnight(now_usec, -1);
  if (text == "tomorrow")
    return midnight(now_usec, 1);
  return std::nullopt;
}

std::optional<std::uint64_t> moment_of(std::string_view text, std::uint64_t now_usec) {
  if (text.starts_with('@')) {
    const auto seconds = number_of(text.substr(1));
    return in_range(seconds ? std::optional(*seconds * static_cast<double>(kSecond)) : seconds);
  }
  if (const auto usec = named(text, now_usec))
    return usec;
  if (const auto usec = relative(text, now_usec))
    return usec;
  return date_and_clock(text, now_usec);
}

}  // namespace

Result<std::uint64_t> parse_moment(std::string_view text, std::uint64_t now_usec) {
  const auto usec = moment_of(trimmed(text), now_usec);
  if (!usec)
    return fail(
        Errc::invalid,
        R"("{}" is no time: write it as "-1h", "2 days ago", "today", "yesterday", "18:30", )"
        R"("2026-11-27", "2026-11-27 18:30[:05]" or "@1795800000")",
        text);
  return *usec;
}

std::string render_moment(std::uint64_t usec) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local_time(usec));
}

}  // namespace fief::cli
