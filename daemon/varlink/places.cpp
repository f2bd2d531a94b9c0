// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/places.hpp"

#include <algorithm>
#include <map>

namespace fief::varlink {
namespace {

using Counts = std::map<uid_t, std::ptrdiff_t>;

Counts count(std::span<const Place> taken) {
  Counts counts;
  for (const auto& place : taken)
    ++counts[place.uid];
  return counts;
}

// Idle ones first, then whoever was not heard of for longest.
std::optional<std::size_t> oldest_of(std::span<const Place> taken, uid_t uid, bool only_idle) {
  const Place* oldest = nullptr;
  for (const auto& place : taken) {
    if (place.uid != uid || (only_idle && !place.idle))
      continue;
    if (oldest == nullptr || (place.idle && !oldest->idle) ||
        (place.idle == oldest->idle && place.since < oldest->since))
      oldest = &place;
  }
  if (oldest == nullptr)
    return std::nullopt;
  return static_cast<std::size_t>(oldest - taken.data());
}

Admittance in_place_of(std::optional<std::size_t> leaves) {
  return {.admitted = leaves.has_value(), .leaves = leaves};
}

}  // namespace

Admittance admit(std::span<const Place> taken, uid_t uid) {
  const auto counts = count(taken);
  const auto found = counts.find(uid);
  const auto own = found == counts.end() ? 0 : found->second;
  if (own >= kMaxOfOneUser)
    return in_place_of(oldest_of(taken, uid, true));
  if (std::ssize(taken) < kMaxOfUsers)
    return {.admitted = true, .leaves = {}};
  const auto most = std::ranges::max_element(counts, {}, &Counts::value_type::second);
  if (most->second > own)
    return in_place_of(oldest_of(taken, most->first, false));
  return in_place_of(oldest_of(taken, uid, true));
}

}  // namespace fief::varlink
