// SPDX-License-Identifier: GPL-2.0-only
#include "api/change_methods.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "api/authority.hpp"
#include "api/changed_values.hpp"
#include "api/vtables.hpp"
#include "fief/dbus_names.hpp"

namespace fief::dbus {
namespace {

using Keys = std::map<std::string, ChangedValue>;
using Begin = void (Backend::*)(const ChangeRequest& request, Backend::Done done);

// Keys that say what a delegation is rather than what it gets, or that take a stricter permission.
constexpr std::array<std::string_view, 5> kNotProperties{"name", "cgroup", "enabled", "scheduler",
                                                         "options"};
constexpr double kNoMaximum = 65536;  // fief-policy(5): no machine has more CPUs
constexpr std::size_t kMaxReason = 127;

int carry_out(sd_bus_message* request, void* userdata, Change change) {
  static_cast<Objects*>(userdata)->carry_out(*request, std::move(change));
  return 1;
}

int refuse(sd_bus_error* error, const char* sentence) {
  return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS, sentence);
}

// Reads the flags, the last argument; negative with @p error set if there are others than allowed.
int read_flags(sd_bus_message* request, std::uint64_t allowed, std::uint64_t& flags,
               sd_bus_error* error) {
  if (const int result = sd_bus_message_read(request, "t", &flags); result < 0)
    return result;
  return (flags & ~allowed) == 0 ? 0 : refuse(error, "there are unknown flags");
}

int read_lifetime(sd_bus_message* request, Lifetime& lifetime, sd_bus_error* error) {
  std::uint64_t flags = 0;
  const int result = read_flags(request, kFlagUntilRestart, flags, error);
  lifetime = flags == 0 ? Lifetime::persistent : Lifetime::until_restart;
  return result;
}

// What all changes of a delegation have in common, once their own arguments are read.
int change_delegation(sd_bus_message* request, void* userdata, sd_bus_error* error,
                      const char* action, std::string what, ChangeRequest wanted, Begin begin) {
  if (const int result = read_lifetime(request, wanted.lifetime, error); result < 0)
    return result;
  if (wanted.lifetime == Lifetime::until_restart)
    what += ", until a restart";
  return carry_out(
      request, userdata,
      {.action = action,
       .what = std::move(what),
       .begin = [wanted = std::move(wanted), begin](Backend& backend, const std::string& requester,
                                                    Backend::Done done) {
         auto known = wanted;
         known.requester = requester;
         (backend.*begin)(known, std::move(done));
       }});
}

int set_keys(sd_bus_message* request, void* userdata, sd_bus_error* error, const char* subject,
             Keys keys) {
  auto what = fmt::format("set {} of {}", to_text(keys), subject);
  return change_delegation(request, userdata, error, kReconfigureAction, std::move(what),
                           {.subject = subject, .keys = std::move(keys), .requester = {}},
                           &Backend::change);
}

// "s scheduler, a{sv} options": an empty scheduler stands for the one there is.
int read_scheduler(sd_bus_message* request, Keys& keys, sd_bus_error* error) {
  const char* scheduler = nullptr;
  Options options;
  int result = sd_bus_message_read(request, "s", &scheduler);
  if (result >= 0)
    result = read_options(*request, options, error);
  if (result < 0)
    return result;
  if (*scheduler != '\0')
    keys.emplace("scheduler", std::string(scheduler));
  if (!options.empty())
    keys.emplace("options", std::move(options));
  return 0;
}

int load_scheduler(sd_bus_message* request, void* userdata, sd_bus_error* error, const char* verb,
                   Begin begin, bool needs_keys) {
  const char* subject = nullptr;
  Keys keys;
  if (const int result = sd_bus_message_read(request, "s", &subject); result < 0)
    return result;
  if (const int result = read_scheduler(request, keys, error); result < 0)
    return result;
  if (needs_keys && keys.empty())
    return refuse(error, "neither a scheduler nor options are given");
  auto what = fmt::format("{} {}{}{}", verb, subject, keys.empty() ? "" : ": ", to_text(keys));
  return change_delegation(request, userdata, error, kLoadSchedulerAction, std::move(what),
                           {.subject = subject, .keys = std::move(keys), .requester = {}}, begin);
}

// "s delegation, a{sv} properties": at least one, none that is no property.
int read_properties(sd_bus_message* request, const char*& subject, Keys& keys,
                    sd_bus_error* error) {
  if (const int result = sd_bus_message_read(request, "s", &subject); result < 0)
    return result;
  if (const int result = read_values(*request, keys, error); result < 0)
    return result;
  for (const auto key : kNotProperties)
    if (keys.contains(std::string(key)))
      return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                               "\"%s\" cannot be set so; attach, detach and SetScheduler change it",
                               std::string(key).c_str());
  return keys.empty() ? refuse(error, "no key is given") : 0;
}

// A negative limit stays as it is.
std::optional<Keys> limits(double min_cpus, double max_cpus) {
  Keys keys;
  if (std::isnan(min_cpus) || std::isnan(max_cpus))
    return std::nullopt;
  if (min_cpus >= 0)
    keys.emplace("min_cpus", min_cpus);
  if (max_cpus >= 0)
    keys.emplace("max_cpus", std::min(max_cpus, kNoMaximum));
  return keys;
}

}  // namespace

int reload(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  return carry_out(request, userdata,
                   {.action = kReconfigureAction,
                    .what = "reload the policy",
                    .begin = [](Backend& backend, const std::string& /*requester*/,
                                Backend::Done done) { backend.reload(std::move(done)); },
                    .invalid = kErrorInvalidPolicy});
}

int set_weight(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  std::uint32_t weight = 0;
  if (const int result = sd_bus_message_read(request, "su", &subject, &weight); result < 0)
    return result;
  return set_keys(request, userdata, error, subject, {{"weight", std::int64_t{weight}}});
}

int set_limits(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  double min_cpus = -1;
  double max_cpus = -1;
  if (const int result = sd_bus_message_read(request, "sdd", &subject, &min_cpus, &max_cpus);
      result < 0)
    return result;
  const auto keys = limits(min_cpus, max_cpus);
  if (!keys || keys->empty())
    return refuse(error, "no limit is given");
  return set_keys(request, userdata, error, subject, *keys);
}

int set_properties(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  Keys keys;
  if (const int result = read_properties(request, subject, keys, error); result < 0)
    return result;
  return set_keys(request, userdata, error, subject, std::move(keys));
}

int set_scheduler(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  return load_scheduler(request, userdata, error, "change the scheduler of", &Backend::change,
                        true);
}

int attach(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  return load_scheduler(request, userdata, error, "attach a scheduler to", &Backend::attach, false);
}

int detach(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  if (const int result = sd_bus_message_read(request, "s", &subject); result < 0)
    return result;
  return change_delegation(request, userdata, error, kReconfigureAction,
                           fmt::format("detach the scheduler of {}", subject),
                           {.subject = subject, .keys = {}, .requester = {}}, &Backend::detach);
}

int revert(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  const char* subject = nullptr;
  if (const int result = sd_bus_message_read(request, "s", &subject); result < 0)
    return result;
  return carry_out(
      request, userdata,
      {.action = kReconfigureAction,
       .what = fmt::format("revert what was changed of {}", subject),
       .begin = [subject = std::string(subject)](Backend& backend, const std::string& /*requester*/,
                                                 Backend::Done done) {
         backend.revert(subject, std::move(done));
       }});
}

int kill(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  const char* reason = nullptr;
  if (const int result = sd_bus_message_read(request, "ss", &subject, &reason); result < 0)
    return result;
  if (std::string_view(reason).size() > kMaxReason)
    return refuse(error, "the reason is longer than 127 bytes");
  return carry_out(
      request, userdata,
      {.action = kReconfigureAction,
       .what = fmt::format("kill the scheduler of {}: {}", subject, reason),
       .begin = [subject = std::string(subject), reason = std::string(reason)](
                    Backend& backend, const std::string& requester, Backend::Done done) {
         backend.kill(subject, reason.empty() ? requester + " asked for it" : reason,
                      std::move(done));
       }});
}

int boost(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  const char* subject = nullptr;
  const char* reason = nullptr;
  Keys keys;
  if (const int result = read_properties(request, subject, keys, error); result < 0)
    return result;
  if (const int result = sd_bus_message_read(request, "s", &reason); result < 0)
    return result;
  auto what = fmt::format("boost {}: {}{}{}", subject, to_text(keys),
                          *reason == '\0' ? "" : ", for ", reason);
  static_cast<Objects*>(userdata)->boost(
      *request, std::move(what), {.subject = subject, .keys = std::move(keys), .requester = {}});
  return 1;
}

int leave(sd_bus_message* request, void* userdata, sd_bus_error* /*error*/) {
  return carry_out(request, userdata,
                   {.action = kReconfigureAction,
                    .what = "leave for good",
                    .begin = [](Backend& backend, const std::string& /*requester*/,
                                Backend::Done done) { backend.leave(std::move(done)); }});
}

int replan(sd_bus_message* request, void* userdata, sd_bus_error* error) {
  std::uint64_t flags = 0;
  if (const int result = read_flags(request, kFlagFromScratch, flags, error); result < 0)
    return result;
  const auto from_scratch = flags != 0;
  return carry_out(request, userdata,
                   {.action = kReconfigureAction,
                    .what = from_scratch ? "plan from scratch" : "plan afresh",
                    .begin = [from_scratch](Backend& backend, const std::string& /*requester*/,
                                            Backend::Done done) {
                      backend.replan(from_scratch, std::move(done));
                    }});
}

}  // namespace fief::dbus
