// SPDX-License-Identifier: GPL-2.0-only
// Exact division of an amount by shares between limits.
//
// The real-valued answer is clamp(share * level, least, most) for the one water level at which the
// parts sum to the total. That sum rises with the level and is linear between the levels at which
// some claim leaves its least or meets its most: following the line from a guess most often finds
// the level in O(n), sorting those levels always does in O(n log n).
#include <algorithm>
#include <cmath>
#include <optional>

#include "plan/due/entitlement.hpp"

namespace fief {
namespace {

// Far above rounding noise of the doubles (2^-23 at 2^29 units), far below one unit.
constexpr double kNoise = 1e-6;

double as_real(CpuTime time) {
  return static_cast<double>(time);
}

double part_at(const Claim& claim, double water) {
  return std::clamp(claim.share * water, as_real(claim.least), as_real(claim.most));
}

// The sum of the parts as a straight line: fixed + slope * water, true near one water level.
struct Line {
  double fixed = 0;
  double slope = 0;
  friend bool operator==(const Line&, const Line&) = default;
};

Line line_at(std::span<const Claim> claims, double water) {
  Line line;
  for (const auto& claim : claims) {
    const auto part = claim.share * water;
    if (part + kNoise < as_real(claim.least))
      line.fixed += as_real(claim.least);
    else if (part - kNoise > as_real(claim.most))
      line.fixed += as_real(claim.most);
    else
      line.slope += claim.share;
  }
  return line;
}

// Most often a few claims meet a limit: the line through one guess leads to the answer, which is
// known by its lying on that very line. Nothing if it takes long.
std::optional<double> guess_water(std::span<const Claim> claims, double total) {
  constexpr int kGuesses = 6;
  Line line;
  for (const auto& claim : claims)
    line.slope += claim.share;
  for (int i = 0; i < kGuesses && line.slope > 0; ++i) {
    const auto water = std::max(0.0, total - line.fixed) / line.slope;
    const auto next = line_at(claims, water);
    if (next == line)
      return water;
    line = next;
  }
  return std::nullopt;
}

// A water level at which the sum's slope changes.
struct Bend {
  double water;
  double slope;
};

std::vector<Bend> bends_of(std::span<const Claim> claims) {
  std::vector<Bend> bends;
  bends.reserve(2 * claims.size());
  for (const auto& claim : claims) {
    if (claim.share <= 0)
      continue;
    bends.push_back({as_real(claim.least) / claim.share, claim.share});
    if (claim.most != kUnlimited)
      bends.push_back({as_real(claim.most) / claim.share, -claim.share});
  }
  std::ranges::sort(bends, {}, &Bend::water);
  return bends;
}

double find_water(std::span<const Claim> claims, double total) {
  if (const auto water = guess_water(claims, total))
    return *water;
  double shares = 0;
  double sum = 0;
  for (const auto& claim : claims) {
    shares += claim.share;
    sum += as_real(claim.least);
  }
  double water = 0;
  double slope = 0;
  for (const auto& bend : bends_of(claims)) {
    const auto next = sum + slope * (bend.water - water);
    if (next >= total)
      break;
    sum = next;
    water = bend.water;
    slope += bend.slope;
  }
  return slope > kNoise * shares ? water + (total - sum) / slope : water;
}

// A part cut down to whole units, and what was cut off.
struct Cut {
  std::uint32_t claim;
  double rest;
};

// Hands @p extra units, at most one a claim, to those with the most cut off.
CpuTime hand_out(std::span<const Claim> claims, std::vector<Cut>& cuts, CpuTime extra,
                 std::vector<CpuTime>& parts) {
  std::erase_if(cuts, [&](const Cut& cut) { return parts[cut.claim] >= claims[cut.claim].most; });
  const auto count = std::min<CpuTime>(extra, cuts.size());
  std::ranges::nth_element(cuts, cuts.begin() + static_cast<std::ptrdiff_t>(count),
                           [](const Cut& a, const Cut& b) {
                             return a.rest != b.rest ? a.rest > b.rest : a.claim < b.claim;
                           });
  for (CpuTime i = 0; i < count; ++i)
    ++parts[cuts[i].claim];
  return extra - count;
}

// Rounding noise may have left one unit too many here and there.
void take_back(std::span<const Claim> claims, std::vector<Cut>& cuts, CpuTime excess,
               std::vector<CpuTime>& parts) {
  std::ranges::sort(cuts, [](const Cut& a, const Cut& b) {
    return a.rest != b.rest ? a.rest < b.rest : a.claim < b.claim;
  });
  for (const auto& cut : cuts) {
    if (excess == 0)
      return;
    if (parts[cut.claim] > claims[cut.claim].least) {
      --parts[cut.claim];
      --excess;
    }
  }
}

}  // namespace

std::vector<CpuTime> divide_exactly(std::span<const Claim> claims, CpuTime total) {
  const auto water = find_water(claims, as_real(total));
  std::vector<CpuTime> parts;
  std::vector<Cut> cuts;
  parts.reserve(claims.size());
  cuts.reserve(claims.size());
  CpuTime sum = 0;
  for (const auto& claim : claims) {
    const auto part = part_at(claim, water);
    const auto whole = std::clamp(static_cast<CpuTime>(part + kNoise), claim.least, claim.most);
    cuts.push_back(
        {static_cast<std::uint32_t>(parts.size()), std::max(0.0, part - as_real(whole))});
    parts.push_back(whole);
    sum += whole;
  }
  auto left = total - std::min(sum, total);
  if (sum > total)
    take_back(claims, cuts, sum - total, parts);
  else if (left <= claims.size())  // rounding; more than that is what all limits left over
    left = hand_out(claims, cuts, left, parts);
  parts[0] += left;
  return parts;
}

}  // namespace fief
