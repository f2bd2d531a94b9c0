// SPDX-License-Identifier: GPL-2.0-only
// What a delegation does not say itself: patterns and classes.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "policy/merge.hpp"
#include "policy/suggest.hpp"
#include "policy/values.hpp"

namespace fief {
namespace {

// The class of delegations that name none.
constexpr std::string_view kDefaultClass = "default";

const PatternDraft* pattern_for(const std::vector<PatternDraft>& patterns, std::string_view path) {
  const auto found = std::ranges::find_if(
      patterns, [path](const PatternDraft& pattern) { return pattern.cgroups.matches(path); });
  return found == patterns.end() ? nullptr : &*found;
}

// An entry that only names a cgroup is about that one.
void take_path_from_name(DelegationDraft& draft) {
  if (!draft.is_pattern() && !draft.cgroup.given && draft.name.value &&
      is_cgroup_path(*draft.name.value))
    draft.cgroup = {false, draft.name.value, draft.name.place};
}

// What @p draft says, over what the pattern says of its cgroup.
DelegationDraft over_pattern(const DelegationDraft& draft, const DelegationDraft& pattern) {
  auto full = pattern;
  full.place = draft.place;
  full.name = {};
  for (const auto& key : kSubjectKeys)
    full.*key.setting = {};
  full.selected = {};
  if (draft.cgroup.given)
    full.enabled = {};
  lay_over(full, draft);
  full.cgroup = draft.cgroup;
  if (!draft.cgroup.given)
    full.pattern = pattern.identity().value;
  return full;
}

class Classes {
 public:
  explicit Classes(const ClassDrafts& classes) : classes_(classes) {
    for (const auto& [name, draft] : classes)
      names_.push_back(name);
  }

  void put_under(DelegationDraft& draft, FaultLog& log) const {
    const auto& wanted = draft.class_name;
    const auto found = classes_.find(wanted.value ? *wanted.value : kDefaultClass);
    if (found != classes_.end()) {
      auto full = found->second;
      full.place = draft.place;
      lay_over(full, std::move(draft));
      draft = std::move(full);
    } else if (wanted.value) {
      log.add(wanted.place, fmt::format("there is no class \"{}\"{}", *wanted.value,
                                        did_you_mean(*wanted.value, names_)));
    }
  }

 private:
  const ClassDrafts& classes_;
  std::vector<std::string_view> names_;
};

void check_one_subject(const DelegationDraft& draft, FaultLog& log) {
  const SubjectKey* first = nullptr;
  for (const auto& key : kSubjectKeys) {
    const auto& setting = draft.*key.setting;
    if (!setting.given)
      continue;
    if (first != nullptr)
      log.add(setting.place,
              fmt::format("a delegation has one key that says which cgroups it is about; remove "
                          "\"{}\" here, or \"{}\" in {}:{}",
                          key.name, first->name, (draft.*first->setting).place.file,
                          (draft.*first->setting).place.at.line));
    else
      first = &key;
  }
}

// A slice is a cgroup by another name, and so is the slice of a user.
void take_path_from_selector(DelegationDraft& draft) {
  for (const auto* path : {&draft.slice, &draft.user})
    if (path->given && !draft.cgroup.given)
      draft.cgroup = *path;
}

// Of the keys that @p is_of_kind is true of; the later draft first.
template <class Test>
void add_patterns(const std::vector<DelegationDraft>& drafts, CgroupPattern::Kind kind,
                  Test is_of_kind, std::vector<PatternDraft>& patterns) {
  for (const auto& draft : drafts | std::views::reverse) {
    for (const auto& key : kSubjectKeys | std::views::filter(is_of_kind)) {
      const auto& text = (draft.*key.setting).value;
      if (!text)
        continue;
      if (auto cgroups = CgroupPattern::compile(kind, *text))
        patterns.push_back({&draft, std::move(*cgroups)});
    }
  }
}

}  // namespace

std::vector<PatternDraft> patterns_of(const std::vector<DelegationDraft>& drafts) {
  std::vector<PatternDraft> patterns;
  add_patterns(
      drafts, CgroupPattern::Kind::regex,
      [](const SubjectKey& key) { return key.is_pattern && key.is_selector; }, patterns);
  add_patterns(
      drafts, CgroupPattern::Kind::glob,
      [](const SubjectKey& key) { return key.setting == &DelegationDraft::glob; }, patterns);
  add_patterns(
      drafts, CgroupPattern::Kind::regex,
      [](const SubjectKey& key) { return key.setting == &DelegationDraft::regex; }, patterns);
  return patterns;
}

std::vector<DelegationDraft> complete_drafts(const PolicyDraft& draft, FaultLog& log) {
  const auto patterns = patterns_of(draft.delegations);
  const Classes classes(draft.classes);
  std::vector<DelegationDraft> complete;
  for (auto full : draft.delegations) {
    check_one_subject(full, log);
    take_path_from_selector(full);
    take_path_from_name(full);
    const auto* pattern = full.is_pattern() || !full.cgroup.value
                              ? nullptr
                              : pattern_for(patterns, *full.cgroup.value);
    if (pattern != nullptr)
      full = over_pattern(full, *pattern->draft);
    else if (!full.cgroup.given)
      full.cgroup.value.reset();
    classes.put_under(full, log);
    complete.push_back(std::move(full));
  }
  return complete;
}

}  // namespace fief
