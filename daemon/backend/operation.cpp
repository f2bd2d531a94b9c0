// SPDX-License-Identifier: GPL-2.0-only
#include "backend/operation.hpp"

#include <fmt/ranges.h>

#include <array>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/overloaded.hpp"
#include "core/printable.hpp"

namespace fief {
namespace {

// Keys that say what a delegation is rather than what it gets, or that take a stricter permission.
constexpr std::array<std::string_view, 5> kNotProperties{"name", "cgroup", "enabled", "scheduler",
                                                         "options"};
constexpr std::size_t kMaxReason = 127;
// No value that does something is longer, but for lists, whose beginning tells enough.
constexpr std::size_t kMaxShown = 256;

template <class Value>
std::string text_of(const Value& value) {
  if constexpr (std::is_same_v<Value, Options>) {
    std::vector<std::string> parts;
    parts.reserve(value.size());
    for (const auto& [name, option] : value)
      parts.push_back(name + "=" +
                      std::visit([](const auto& plain) { return text_of(plain); }, option));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  } else {
    return shortened(fmt::format("{}", value), kMaxShown);
  }
}

std::string_view suffix(Lifetime lifetime) {
  return lifetime == Lifetime::until_restart ? ", until a restart" : "";
}

// How each is told.
struct Teller {
  std::string operator()(const Set& set) const {
    return fmt::format("set {} of {}{}", to_text(set.keys), set.subject, suffix(set.lifetime));
  }
  std::string operator()(const Attach& attach) const {
    return fmt::format("attach a scheduler to {}{}{}{}", attach.subject,
                       attach.keys.empty() ? "" : ": ", to_text(attach.keys),
                       suffix(attach.lifetime));
  }
  std::string operator()(const Detach& detach) const {
    return fmt::format("detach the scheduler of {}{}", detach.subject, suffix(detach.lifetime));
  }
  std::string operator()(const Revert& revert) const {
    return fmt::format("revert what was changed of {}", revert.subject);
  }
  std::string operator()(const Kill& kill) const {
    return fmt::format("kill the scheduler of {}: {}", kill.subject, kill.reason);
  }
  std::string operator()(const Boost& boost) const {
    return fmt::format("boost {}: {}{}{}", boost.subject, to_text(boost.keys),
                       boost.reason.empty() ? "" : ", for ", boost.reason);
  }
  std::string operator()(const Reload& /*reload*/) const { return "reload the policy"; }
  std::string operator()(const Replan& replan) const {
    return replan.from_scratch ? "plan from scratch" : "plan afresh";
  }
  std::string operator()(const Leave& /*leave*/) const { return "leave for good"; }
  std::string operator()(const SetLogLevel& set) const {
    return fmt::format("log from level {} on", set.name);
  }
};

Status check_properties(const ChangedKeys& keys) {
  for (const auto key : kNotProperties)
    if (keys.contains(std::string(key)))
      return fail(Errc::invalid, "\"{}\" cannot be set so; attach and detach change it", key);
  if (keys.empty())
    return fail(Errc::invalid, "no key is given");
  return {};
}

Status check_reason(const std::string& reason) {
  if (reason.size() > kMaxReason)
    return fail(Errc::invalid, "the reason is longer than {} bytes", kMaxReason);
  return {};
}

}  // namespace

Permission permission_for(const Operation& operation) {
  return std::holds_alternative<Attach>(operation) ? Permission::load_scheduler
                                                   : Permission::reconfigure;
}

std::string to_text(const Operation& operation) {
  return std::visit(Teller{}, operation);
}

std::string to_text(const ChangedKeys& keys) {
  std::vector<std::string> parts;
  parts.reserve(keys.size());
  for (const auto& [key, value] : keys)
    parts.push_back(key + "=" +
                    std::visit([](const auto& plain) { return text_of(plain); }, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string subject_of(const Operation& operation) {
  return std::visit(
      [](const auto& asked) {
        if constexpr (requires { asked.subject; })
          return asked.subject;
        else
          return std::string{};
      },
      operation);
}

bool blames_files(const Operation& operation) {
  return std::holds_alternative<Reload>(operation);
}

Status check(const Operation& operation) {
  return std::visit(Overloaded{[](const Set& set) { return check_properties(set.keys); },
                               [](const Boost& boost) { return check_properties(boost.keys); },
                               [](const Kill& kill) { return check_reason(kill.reason); },
                               [](const auto& /*others*/) { return Status{}; }},
                    operation);
}

std::optional<OwnersWish> owners_wish(const Operation& operation) {
  using Wish = std::optional<OwnersWish>;
  return std::visit(
      Overloaded{
          [](const Set& set) { return Wish(OwnersWish{set.subject, set.keys, set.lifetime}); },
          [](const Attach& attach) {
            return Wish(OwnersWish{attach.subject, attach.keys, attach.lifetime});
          },
          [](const Detach& detach) {
            return Wish(OwnersWish{detach.subject, {}, detach.lifetime});
          },
          [](const Revert& revert) {
            return Wish(OwnersWish{revert.subject, {}, Lifetime::until_restart});
          },
          [](const Boost& boost) {
            return Wish(OwnersWish{boost.subject, boost.keys, Lifetime::until_restart});
          },
          [](const auto& /*others*/) { return Wish(); }},
      operation);
}

std::string reason_of(const Kill& kill, const Requester& requester) {
  return kill.reason.empty() ? fmt::format("uid {} asked for it", requester.uid) : kill.reason;
}

}  // namespace fief
