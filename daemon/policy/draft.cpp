// SPDX-License-Identifier: GPL-2.0-only
#include "policy/draft.hpp"

#include <algorithm>

namespace fief {

const Setting<std::string>& DelegationDraft::identity() const {
  if (name.given)
    return name;
  for (const auto& key : kSubjectKeys)
    if ((this->*key.setting).given)
      return key.is_selector && key.is_pattern ? selected : this->*key.setting;
  return name;
}

bool DelegationDraft::has_subject() const {
  return std::ranges::any_of(kSubjectKeys,
                             [this](const SubjectKey& key) { return (this->*key.setting).given; });
}

bool DelegationDraft::is_pattern() const {
  return std::ranges::any_of(kSubjectKeys, [this](const SubjectKey& key) {
    return key.is_pattern && (this->*key.setting).given;
  });
}

}  // namespace fief
