// SPDX-License-Identifier: GPL-2.0-only
#include "backend/changes.hpp"

#include <fmt/ranges.h>

#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "core/printable.hpp"

namespace fief {
namespace {

using Begin = void (Backend::*)(const ChangeRequest& request, Backend::Done done);

// Keys that say what a delegation is rather than what it gets, or that take a stricter permission.
constexpr std::array<std::string_view, 5> kNotProperties{"name", "cgroup", "enabled", "scheduler",
                                                         "options"};
constexpr std::size_t kMaxReason = 127;
// No value that does something is longer, but for lists, whose beginning tells enough.
constexpr std::size_t kMaxShown = 256;
constexpr std::size_t kMaxChangeShown = 1024;

// Makes the journal fields that say who asked, and of whom.
auto sender_fields(const Sender& sender, const std::string& subject) {
  return [sender, subject](std::string_view message_id) {
    log::Fields fields{.message_id = message_id,
                       .sender = sender.name,
                       .sender_uid = sender.uid,
                       .subject = shortened(subject, kMaxShown)};
    if (sender.pid != 0)
      fields.sender_pid = sender.pid;
    return fields;
  };
}

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

// What all changes of one delegation have in common.
Change change_delegation(Permission permission, std::string what, ChangeRequest wanted,
                         Begin begin) {
  if (wanted.lifetime == Lifetime::until_restart)
    what += ", until a restart";
  return {.permission = permission,
          .what = std::move(what),
          .begin =
              [wanted, begin](Backend& backend, const Requester& requester, Backend::Done done) {
                auto known = wanted;
                known.requester = requester;
                (backend.*begin)(known, std::move(done));
              },
          .subject = wanted.subject,
          .for_tenants = std::move(wanted)};
}

Change set_keys(const std::string& subject, ChangedKeys keys, Lifetime lifetime) {
  auto what = fmt::format("set {} of {}", to_text(keys), subject);
  return change_delegation(Permission::reconfigure, std::move(what),
                           {.subject = subject, .keys = std::move(keys), .lifetime = lifetime},
                           &Backend::change);
}

// An empty scheduler stands for the one there is.
ChangedKeys scheduler_keys(const std::string& scheduler, Options options) {
  ChangedKeys keys;
  if (!scheduler.empty())
    keys.emplace("scheduler", scheduler);
  if (!options.empty())
    keys.emplace("options", std::move(options));
  return keys;
}

// One line, however long and of whatever bytes the names and values are.
std::string shown(const Change& change) {
  return printable(shortened(change.what, kMaxChangeShown));
}

}  // namespace

Status as_tenant(const Backend& backend, const Change& change, uid_t uid) {
  return change.for_tenants ? backend.check_tenant(*change.for_tenants, uid)
                            : fail(Errc::denied, "");
}

void carry_out(Backend& backend, const Change& change, const Sender& sender, Backend::Done done) {
  const auto fields = sender_fields(sender, change.subject);
  log::info(fields(message::kRequested), "{} (uid {}, pid {}) asks to {}",
            sender.name.empty() ? "a local client" : sender.name, sender.uid, sender.pid,
            shown(change));
  change.begin(backend, {.uid = sender.uid, .is_tenant = sender.is_tenant},
               [fields, what = shown(change), done = std::move(done)](const Status& outcome) {
                 if (!outcome)
                   log::notice(fields(message::kRequestRefused), "could not {}: {}", what,
                               outcome.error());
                 done(outcome);
               });
}

std::string to_text(const ChangedKeys& keys) {
  std::vector<std::string> parts;
  parts.reserve(keys.size());
  for (const auto& [key, value] : keys)
    parts.push_back(key + "=" +
                    std::visit([](const auto& plain) { return text_of(plain); }, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

Result<Options> to_options(const ChangedKeys& values) {
  Options options;
  for (const auto& [name, value] : values) {
    if (const auto* flag = std::get_if<bool>(&value))
      options[name] = *flag;
    else if (const auto* number = std::get_if<std::int64_t>(&value))
      options[name] = *number;
    else if (const auto* text = std::get_if<std::string>(&value))
      options[name] = *text;
    else
      return fail(Errc::invalid, "option \"{}\" is no boolean, whole number or string", name);
  }
  return options;
}

Change reload_change() {
  return {.what = "reload the policy",
          .begin = [](Backend& backend, const Requester& /*requester*/,
                      Backend::Done done) { backend.reload(std::move(done)); },
          .of_files = true};
}

Result<Change> properties_change(const std::string& subject, ChangedKeys keys, Lifetime lifetime) {
  if (const auto fit = check_properties(keys); !fit)
    return tl::unexpected(fit.error());
  return set_keys(subject, std::move(keys), lifetime);
}

Change attach_change(const std::string& subject, const std::string& scheduler, Options options,
                     Lifetime lifetime) {
  auto keys = scheduler_keys(scheduler, std::move(options));
  auto what =
      fmt::format("attach a scheduler to {}{}{}", subject, keys.empty() ? "" : ": ", to_text(keys));
  return change_delegation(Permission::load_scheduler, std::move(what),
                           {.subject = subject, .keys = std::move(keys), .lifetime = lifetime},
                           &Backend::attach);
}

Change detach_change(const std::string& subject, Lifetime lifetime) {
  return change_delegation(
      Permission::reconfigure, fmt::format("detach the scheduler of {}", subject),
      {.subject = subject, .keys = {}, .lifetime = lifetime}, &Backend::detach);
}

Change revert_change(const std::string& subject) {
  return {.what = fmt::format("revert what was changed of {}", subject),
          .begin = [subject](Backend& backend, const Requester& /*requester*/,
                             Backend::Done done) { backend.revert(subject, std::move(done)); },
          .subject = subject,
          .for_tenants =
              ChangeRequest{.subject = subject, .keys = {}, .lifetime = Lifetime::until_restart}};
}

Result<Change> kill_change(const std::string& subject, const std::string& reason) {
  if (reason.size() > kMaxReason)
    return fail(Errc::invalid, "the reason is longer than {} bytes", kMaxReason);
  return Change{
      .what = fmt::format("kill the scheduler of {}: {}", subject, reason),
      .begin =
          [subject, reason](Backend& backend, const Requester& requester, Backend::Done done) {
            backend.kill(
                subject,
                reason.empty() ? fmt::format("uid {} asked for it", requester.uid) : reason,
                std::move(done));
          },
      .subject = subject};
}

Change replan_change(bool from_scratch) {
  return {.what = from_scratch ? "plan from scratch" : "plan afresh",
          .begin = [from_scratch](Backend& backend, const Requester& /*requester*/,
                                  Backend::Done done) {
            backend.replan(from_scratch, std::move(done));
          }};
}

Change leave_change() {
  return {.what = "leave for good",
          .begin = [](Backend& backend, const Requester& /*requester*/, Backend::Done done) {
            backend.leave(std::move(done));
          }};
}

Status check_properties(const ChangedKeys& keys) {
  for (const auto key : kNotProperties)
    if (keys.contains(std::string(key)))
      return fail(Errc::invalid, "\"{}\" cannot be set so; attach and detach change it", key);
  if (keys.empty())
    return fail(Errc::invalid, "no key is given");
  return {};
}

}  // namespace fief
