// SPDX-License-Identifier: GPL-2.0-only
#include "control/candidate.hpp"

#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "policy/show.hpp"

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
  return Candidate{std::move(sound->layers), std::move(sound->policy), std::move(sound->lifted)};
}

// As judged(), but nothing gives way to it.
Result<Candidate> judged_as_tenants(PolicyLayers layers, std::string_view origin,
                                    const OptionCatalog& catalog) {
  auto policy = effective_policy(layers, catalog);
  if (!policy)
    return refusal(policy.error(), origin);
  return Candidate{std::move(layers), std::move(*policy)};
}

// The keys under which show_policy() lists what @p change sets.
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

Status check_last_word(const PolicyLayers& layers, const DelegationChange& change,
                       const std::string& path) {
  const auto shown = show_policy(layers.files);
  if (!shown)
    return fail(Errc::invalid, "{}", format_faults(shown.error()));
  for (const auto& key : shown_keys(change)) {
    const auto origin = origin_of(*shown, change.name, key);
    if (!origin.starts_with(path + ':'))
      return fail(Errc::invalid, "{} of \"{}\" is set in {}, which comes after {}: change it there",
                  key, change.name, origin, path);
  }
  return {};
}

}  // namespace

Result<Candidate> changed_at_run_time(PolicyLayers layers, const RuntimeChange& change,
                                      const OptionCatalog& catalog) {
  lay_over(layers, change);
  const auto judge = judge_of(change.change, catalog);
  return change.tenant != 0 ? judged_as_tenants(std::move(layers), change.origin, judge)
                            : judged(std::move(layers), change.origin, judge);
}

Result<Candidate> changed_for_good(PolicyLayers layers, const DelegationChange& change,
                                   DropIn drop_in, const OptionCatalog& catalog) {
  // For its faults: they need not name a file that may never be written.
  const RuntimeChange trial{.hold = 0, .origin = "change", .change = change};
  if (const auto sound = changed_at_run_time(layers, trial, catalog); !sound)
    return sound;
  auto text = with_change(drop_in.text, change);
  if (!text)
    return context(drop_in.path, text.error());
  drop_in.text = std::move(*text);
  put_drop_in(layers, {drop_in.path, drop_in.text});
  if (const auto heard = check_last_word(layers, change, drop_in.path); !heard)
    return tl::unexpected(heard.error());
  // What an administrator says for good of a tenant's delegation makes it the administrator's.
  std::erase_if(layers.runtime, [&change](const RuntimeChange& known) {
    return known.tenant != 0 && known.change.name == change.name;
  });
  lift(layers, change.name, change.keys);
  auto candidate = judged(std::move(layers), {});
  if (candidate)
    candidate->drop_in = std::move(drop_in);
  return candidate;
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

}  // namespace fief
