// SPDX-License-Identifier: GPL-2.0-only
#include "control/policy/candidate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>
#include <vector>

namespace fief {
namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// A fault of the change itself, for somebody who sees no file.
std::string sentence(const PolicyFault& fault, std::string_view origin) {
  if (fault.file != origin)
    return format_fault(fault);
  const auto key = last_part(fault.pointer);
  return key.empty() ? fault.message : fmt::format("{}: {}", key, fault.message);
}

tl::unexpected<Error> refusal(const std::vector<PolicyFault>& faults, std::string_view origin) {
  std::vector<std::string> sentences;
  sentences.reserve(faults.size());
  for (const auto& fault : faults)
    sentences.push_back(sentence(fault, origin));
  return fail(Errc::invalid, "{}", fmt::join(sentences, "; "));
}

// What a change may be refused for: not for the scheduler of another delegation, gone since.
OptionCatalog judge_of(const DelegationChange& change, const OptionCatalog& catalog) {
  if (!catalog)
    return {};
  const auto key = change.keys.find("scheduler");
  const auto* named = key == change.keys.end() ? nullptr : std::get_if<std::string>(&key->second);
  return [&catalog, wanted = named == nullptr ? std::string{} : *named](
             const std::string& scheduler) -> Result<SchedulerOptions> {
    auto options = catalog(scheduler);
    if (!options && scheduler != wanted)
      return fail(Errc::unsupported, "{}", options.error().message);
    return options;
  };
}

Result<Candidate> judged(PolicyLayers layers, std::string_view origin,
                         const OptionCatalog& catalog = {}) {
  auto sound = sound_policy(std::move(layers), catalog);
  if (!sound)
    return refusal(sound.error(), origin);
  return Candidate{std::move(sound->layers), std::move(sound->made), std::move(sound->lifted)};
}

// As judged(), but nothing gives way to it.
Result<Candidate> judged_as_tenants(PolicyLayers layers, std::string_view origin,
                                    const OptionCatalog& catalog) {
  auto made = effective_policy(layers, catalog);
  if (!made)
    return refusal(made.error(), origin);
  return Candidate{std::move(layers), std::move(*made)};
}

// The keys under which a ShownPolicy lists what @p change sets.
std::vector<std::string> shown_keys(const DelegationChange& change) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : change.keys) {
    if (const auto* options = std::get_if<Options>(&value)) {
      for (const auto& [option, setting] : *options)
        keys.push_back(fmt::format("{}.{}", key, option));
    } else {
      keys.push_back(key);
    }
  }
  return keys;
}

// @p files: what the files say, the one at @p path among them.
Status check_last_word(const ShownPolicy& files, const DelegationChange& change,
                       const std::string& path) {
  for (const auto& key : shown_keys(change)) {
    const auto origin = origin_of(files, change.name, key);
    if (!origin.starts_with(path + ':'))
      return fail(Errc::invalid, "{} of \"{}\" is set in {}, which comes after {}: change it there",
                  key, change.name, origin, path);
  }
  return {};
}

// What is wrong with @p change itself need not name a file that may never be written.
tl::unexpected<Error> refusal_of(const DelegationChange& change, PolicyLayers before,
                                 const OptionCatalog& catalog,
                                 const std::vector<PolicyFault>& faults) {
  const RuntimeChange trial{.hold = 0, .origin = "change", .change = change};
  if (const auto sound = changed_at_run_time(std::move(before), trial, catalog); !sound)
    return tl::unexpected(sound.error());
  return refusal(faults, {});
}

std::uint32_t tenant(const Requester& requester) {
  return requester.is_tenant ? requester.uid : 0;
}

}  // namespace

Result<Candidate> changed_at_run_time(PolicyLayers layers, const RuntimeChange& change,
                                      const OptionCatalog& catalog) {
  lay_over(layers, change);
  const auto judge = judge_of(change.change, catalog);
  return change.tenant != 0 ? judged_as_tenants(std::move(layers), change.origin, judge)
                            : judged(std::move(layers), change.origin, judge);
}

// The files have to make a policy of their own, which the next start reads. Mostly nothing lies
// over them, and that policy is the candidate's.
Result<Candidate> changed_for_good(PolicyLayers layers, const DelegationChange& change,
                                   DropIn drop_in, const OptionCatalog& catalog) {
  auto text = with_change(drop_in.text, change);
  if (!text)
    return context(drop_in.path, text.error());
  drop_in.text = std::move(*text);
  const auto before = layers;
  put_drop_in(layers, {drop_in.path, drop_in.text});
  // What an administrator says for good of a tenant's delegation makes it the administrator's.
  std::erase_if(layers.runtime, [&change](const RuntimeChange& known) {
    return known.tenant != 0 && known.change.name == change.name;
  });
  lift(layers, change.name, change.keys);
  const bool is_files_alone = layers.runtime.empty();
  const auto judge = judge_of(change, catalog);
  auto files = trace_policy(layers.files, {}, is_files_alone ? judge : OptionCatalog{});
  if (!files)
    return refusal_of(change, before, catalog, files.error());
  if (const auto heard = check_last_word(files->shown, change, drop_in.path); !heard)
    return tl::unexpected(heard.error());
  if (is_files_alone)
    return Candidate{std::move(layers), std::move(*files), {}, std::move(drop_in)};
  auto sound = sound_policy(std::move(layers), judge);
  if (!sound)
    return refusal_of(change, before, catalog, sound.error());
  return Candidate{std::move(sound->layers), std::move(sound->made), std::move(sound->lifted),
                   std::move(drop_in)};
}

Result<Candidate> reverted(PolicyLayers layers, std::string_view name, DropIn drop_in) {
  lift(layers, name);
  if (drop_in.text.empty())
    return judged(std::move(layers), {});
  auto text = without_changes(drop_in.text, name);
  if (!text)
    return context(drop_in.path, text.error());
  drop_in.text = std::move(*text);
  put_drop_in(layers, {drop_in.path, drop_in.text});
  auto candidate = judged(std::move(layers), {});
  if (candidate)
    candidate->drop_in = std::move(drop_in);
  return candidate;
}

Result<Candidate> released(PolicyLayers layers, std::uint64_t hold) {
  release(layers, hold);
  return judged(std::move(layers), {});
}

Result<Trial> PolicyChanges::changed(const DelegationChange& change, const ChangeTerms& terms,
                                     const std::string& cgroup) const {
  if (terms.lifetime == Lifetime::until_restart)
    return [&policy = policy_, at_run_time = RuntimeChange{
                                   .hold = 0,
                                   .origin = fmt::format("run time, uid {}", terms.requester.uid),
                                   .change = change,
                                   .tenant = tenant(terms.requester),
                                   .cgroup = policy_.cgroup_at(cgroup)}] {
      return changed_at_run_time(policy.layers(), at_run_time, policy.options());
    };
  return writable_drop_in(change.name).map([&](const DropIn& drop_in) -> Trial {
    return [&policy = policy_, change, drop_in] {
      return changed_for_good(policy.layers(), change, drop_in, policy.options());
    };
  });
}

Trial PolicyChanges::boosted(std::uint64_t hold, DelegationChange change,
                             const Requester& requester) const {
  return [&policy = policy_,
          boost = RuntimeChange{.hold = hold,
                                .origin = fmt::format("boost, uid {}", requester.uid),
                                .change = std::move(change),
                                .tenant = tenant(requester),
                                .cgroup = kSelf}] {
    return changed_at_run_time(policy.layers(), boost, policy.options());
  };
}

Result<Trial> PolicyChanges::reverted(const std::string& name) const {
  return present_drop_in(name).map([&](const DropIn& drop_in) -> Trial {
    return [&policy = policy_, name, drop_in] {
      return fief::reverted(policy.layers(), name, drop_in);
    };
  });
}

// The text on disk counts: somebody may have edited it since.
Result<DropIn> PolicyChanges::present_drop_in(const std::string& delegation) const {
  if (drop_ins_ == nullptr)
    return DropIn{};
  const auto name = drop_in_name(delegation);
  const auto path = drop_ins_->path(name);
  auto text = drop_ins_->read(name);
  if (!text)
    return fail(Errc::io, "{}: {}", path, text.error().message);
  return DropIn{path, std::move(*text)};
}

Result<DropIn> PolicyChanges::writable_drop_in(const std::string& delegation) const {
  if (drop_ins_ == nullptr)
    return fail(Errc::unsupported,
                "the daemon was started with policy files of its own, so only changes until its "
                "restart are possible (fiefctl: --runtime)");
  return present_drop_in(delegation);
}

}  // namespace fief
