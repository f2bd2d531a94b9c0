// SPDX-License-Identifier: GPL-2.0-only
#include "control/policy/policy_store.hpp"

#include <utility>

#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void log_left_out(const Policy& policy) {
  for (const auto& left_out : policy.left_out)
    log::info({.message_id = message::kPolicyLoaded}, "{}", format_left_out(left_out));
}

}  // namespace

void log_contradicted(const std::vector<std::string>& names) {
  for (const auto& name : names)
    log::notice({.message_id = message::kRequested, .subject = name},
                "what the owner of {} asked for contradicts the administrator's policy and ends",
                name);
}

std::string delegations_in(const Policy& written) {
  const auto patterns = written.patterns.size();
  return counted(written.delegations.size(), "delegation") +
         (patterns == 0 ? "" : " and " + counted(patterns, "pattern"));
}

PolicyStore::PolicyStore(PolicyPlaces places, OptionCatalog options, CgroupWatcher& watcher)
    : places_(std::move(places)), options_(std::move(options)), watcher_(watcher) {}

void PolicyStore::start() {
  names_ = places_.names();
  auto read = read_layers();
  auto made = read.and_then(
      [this](const ReadLayers& found) { return effective_policy(found.layers, options_); });
  if (!made) {
    refuse(made.error());
    return start_with_faults(std::move(read));
  }
  adopt(std::move(read->layers), std::move(*made));
  is_sound_ = true;
  log::info({.message_id = message::kPolicyLoaded}, "the policy has {}", delegations_in(written()));
  log_left_out(written());
}

// Options that a scheduler refuses are its own delegation's misfortune: an upgrade that takes an
// option away must not take everybody's CPUs.
void PolicyStore::start_with_faults(tl::expected<ReadLayers, Faults> read) {
  if (start_with_kept())
    return;
  auto made = read.and_then([](const ReadLayers& found) { return effective_policy(found.layers); });
  if (made)
    adopt(std::move(read->layers), std::move(*made));
  else
    log::warning({.message_id = message::kPolicyRefused},
                 "running without a policy until its faults are mended and it is reloaded");
}

// False if there is none. What it says of options is left to the schedulers: it was good once.
bool PolicyStore::start_with_kept() {
  if (!places_.kept)
    return false;
  auto files = places_.kept->read();
  if (!files) {
    if (files.error().code != Errc::not_found)
      log::warning({.message_id = message::kPolicyRefused}, "no last good policy can be read: {}",
                   files.error());
    return false;
  }
  PolicyLayers layers{.files = std::move(*files), .runtime = {}};
  auto made = effective_policy(layers);
  if (!made) {
    log::warning({.message_id = message::kPolicyRefused},
                 "the last good policy is none for this version of fief: {}",
                 format_faults(made.error()));
    return false;
  }
  adopt(std::move(layers), std::move(*made));
  is_kept_ = true;
  log::warning({.message_id = message::kPolicyKept},
               "the last policy that was good, with {}, stays in force until the faults are mended "
               "and it is reloaded",
               delegations_in(written()));
  return true;
}

tl::expected<PolicyStore::ReadLayers, PolicyStore::Faults> PolicyStore::read_layers() const {
  auto sources = places_.read();
  const auto policy = parse_policy(sources.texts, std::move(sources.unread));
  if (!policy)
    return tl::unexpected(policy.error());
  ReadLayers read{.layers = {.files = std::move(sources.texts), .runtime = layers_.runtime},
                  .lifted = {}};
  read.lifted = lift_orphans(read.layers, *policy);
  return read;
}

tl::expected<ReadPolicy, PolicyStore::Faults> PolicyStore::read() const {
  auto found = read_layers();
  if (!found)
    return tl::unexpected(found.error());
  auto sound = sound_policy(std::move(found->layers), options_);
  if (!sound)
    return tl::unexpected(std::move(sound.error()));
  return ReadPolicy{.layers = std::move(sound->layers),
                    .made = std::move(sound->made),
                    .lifted = std::move(found->lifted),
                    .contradicted = std::move(sound->lifted)};
}

tl::expected<ReadPolicy, PolicyStore::Faults> PolicyStore::reread() {
  names_ = places_.names();
  return read();
}

void PolicyStore::adopt(PolicyLayers layers, TracedPolicy made) {
  put(std::move(layers), std::move(made));
  end_tenancies();
}

void PolicyStore::put(PolicyLayers layers, TracedPolicy made) {
  ++revision_;
  layers_ = std::move(layers);
  shown_ = std::move(made.shown);
  resolver_ = PolicyResolver(std::move(made.policy));
  resolve();
}

void PolicyStore::adopt_read(ReadPolicy read, bool other_root) {
  if (other_root && !before_)
    before_ = layers_;
  adopt(std::move(read.layers), std::move(read.made));
  error_.clear();
  is_sound_ = true;
  is_kept_ = false;
  log::info({.message_id = message::kPolicyLoaded}, "the policy was reloaded and has {}",
            delegations_in(written()));
  log_left_out(written());
}

void PolicyStore::refuse(const Faults& faults) {
  error_ = format_faults(faults);
  for (const auto& fault : faults)
    log::error({.message_id = message::kPolicyRefused}, "{}", format_fault(fault));
}

void PolicyStore::root_refused(std::string why) {
  root_refusal_ = std::move(why);
  auto layers = std::exchange(before_, std::nullopt);
  if (!layers)
    return;
  error_ = root_refusal_;
  if (auto sound = sound_policy(std::move(*layers)))
    adopt(std::move(sound->layers), std::move(sound->made));
}

void PolicyStore::keep() const {
  if (!places_.kept || !is_sound_ || !root_refusal_.empty())
    return;
  if (const auto written = places_.kept->write(layers_.files); !written)
    log::warning({.message_id = message::kPolicyLoaded},
                 "the policy is in force, but not kept for a start that finds a faulty one: {}",
                 written.error());
}

void PolicyStore::follow_cgroups() {
  if (resolved_ == watcher_.generation())
    return;
  resolve();
  end_tenancies();
}

void PolicyStore::end_tenancies() {
  const auto ended = ended_tenancies(policy_, layers_, watcher_.tree(), places_.owner_of);
  if (ended.empty())
    return;
  auto layers = layers_;
  for (const auto& [name, why] : ended) {
    log::notice({.message_id = message::kRequested, .subject = name},
                "what the owner of {} asked for ends: {}", name, why);
    lift_tenancy(layers, name);
  }
  if (auto sound = sound_policy(std::move(layers)))
    put(std::move(sound->layers), std::move(sound->made));
}

CgroupId PolicyStore::cgroup_at(std::string_view path) const {
  const auto* node = watcher_.tree().find(path);
  return node == nullptr ? kSelf : node->id;
}

// The delegations of the cgroups there are by now.
void PolicyStore::resolve() {
  auto resolved = resolver_.resolve(watcher_.tree());
  resolved_ = watcher_.generation();
  policy_ = std::move(resolved.policy);
  const auto known = std::exchange(too_deep_, {});
  for (const auto& path : resolved.too_deep) {
    if (!known.contains(path))
      log::warning({.message_id = message::kAttachFailed, .cgroup = path},
                   "{} gets no scheduler: a pattern means it, but it stands inside {} delegations "
                   "already, and the kernel nests no deeper",
                   path, kMaxNesting);
    too_deep_.insert(path);
  }
}

std::string PolicyStore::names() const {
  return is_kept_ ? "last good copy of " + names_ : names_;
}

}  // namespace fief
