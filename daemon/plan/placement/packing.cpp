// SPDX-License-Identifier: GPL-2.0-only
// Packs shares onto shared cids.
//
// Long items. An item of one CPU or more (due/whole_cpus.cpp says why there are such) should not
// fill a bin of its own: the other thread of that core has another owner. It does not if it begins
// inside one bin and ends inside the next, which needs an offset o with 0 < o < 2 CPUs - size. The
// walk keeps long items back until such an offset comes by.
//
// Many sharers. When the walk puts too many items on a bin, the largest items are taken aside, one
// a bin at least; the others go whole to the emptiest bin that still has a place; then the large
// ones fill what is left from end to end.
#include "plan/placement/packing.hpp"

#include <algorithm>
#include <queue>
#include <span>
#include <tuple>

namespace fief {
namespace {

using Shares = std::vector<Share>;

// A walk along bins that fills each before it goes to the next.
class Walk {
 public:
  Walk(std::span<Bin> bins, Shares& shares) : bins_(bins), shares_(shares) { skip_full(); }

  void place(const Item& item) {
    for (auto left = item.size; left > 0 && at_ < bins_.size();) {
      const auto part = std::min(left, bins_[at_].time);
      shares_.push_back({item.member, bins_[at_].cid, part});
      bins_[at_].time -= part;
      used_ += part;
      left -= part;
      skip_full();
    }
  }

  // Would the item begin inside this bin and end inside the next, filling neither alone?
  [[nodiscard]] bool straddles(const Item& item) const {
    if (at_ + 1 >= bins_.size() || used_ == 0)
      return false;
    return item.size > bins_[at_].time && item.size - bins_[at_].time < bins_[at_ + 1].time;
  }

 private:
  void skip_full() {
    while (at_ < bins_.size() && bins_[at_].time == 0) {
      ++at_;
      used_ = 0;
    }
  }

  std::span<Bin> bins_;
  Shares& shares_;
  std::size_t at_ = 0;
  CpuTime used_ = 0;  // of the current bin, by this walk
};

bool is_long(const Item& item) {
  return item.size >= kCpuUnit;
}

void walk_all(std::span<Bin> bins, std::span<const Item> items, Shares& shares) {
  Walk walk(bins, shares);
  std::vector<Item> waiting;
  for (const auto& item : items)
    if (is_long(item))
      waiting.push_back(item);
  std::ranges::sort(waiting, {},
                    [](const Item& item) { return std::pair(item.size, item.member); });
  std::size_t next = 0;
  for (const auto& item : items) {
    for (; next < waiting.size() && walk.straddles(waiting[next]); ++next)
      walk.place(waiting[next]);
    if (!is_long(item))
      walk.place(item);
  }
  for (; next < waiting.size(); ++next)
    walk.place(waiting[next]);
}

std::uint32_t most_sharers(const Shares& shares, const std::vector<Bin>& bins) {
  std::uint32_t last = 0;
  for (const auto& bin : bins)
    last = std::max(last, bin.cid.value);
  std::vector<std::uint32_t> count(last + 1);
  for (const auto& share : shares)
    ++count[share.cid.value];
  return std::ranges::max(count);
}

// Bins held in part go to the two ends: an item longer than such a bin then leaves it in one
// direction only.
void put_parts_at_ends(std::vector<Bin>& bins) {
  const auto is_part = [](const Bin& bin) { return bin.time < kCpuUnit; };
  const auto first = std::ranges::find_if(bins, is_part);
  if (first != bins.end())
    std::rotate(bins.begin(), first, first + 1);
  const auto second = std::ranges::find_if(bins.rbegin(), bins.rend(), is_part);
  if (second != bins.rend() && second.base() != bins.begin() + 1)
    std::rotate(second.base() - 1, second.base(), bins.end());
}

std::vector<Item> take_items(std::vector<Item>& items, std::uint32_t confinement) {
  const auto taken = std::ranges::stable_partition(
      items, [confinement](const Item& item) { return item.confinement != confinement; });
  std::vector<Item> out(taken.begin(), taken.end());
  items.erase(taken.begin(), taken.end());
  return out;
}

// Confined items fill the bins of their confinement first and leave one of them part empty.
void pack_confined(std::vector<Bin>& bins, std::vector<Item>& items, Shares& shares) {
  std::uint32_t groups = 0;
  for (const auto& bin : bins)
    groups = bin.confinement == kNone ? groups : std::max(groups, bin.confinement + 1);
  if (groups == 0)
    return;
  for (std::uint32_t group = 0; group < groups; ++group) {
    std::ranges::stable_partition(bins,
                                  [group](const Bin& bin) { return bin.confinement == group; });
    const auto own = std::ranges::count(bins, group, &Bin::confinement);
    walk_all(std::span(bins).first(static_cast<std::size_t>(own)), take_items(items, group),
             shares);
  }
  std::erase_if(bins, [](const Bin& bin) { return bin.time == 0; });
  std::ranges::sort(bins, {}, &Bin::cid);
}

// A bin and the items put on it whole.
struct Load {
  CpuTime left;
  std::uint32_t sharers;
  std::size_t bin;
  // The queue's top is the bin with most time left, then the first.
  friend bool operator<(const Load& a, const Load& b) {
    return std::tuple(a.left, b.bin) < std::tuple(b.left, a.bin);
  }
};

// Puts each item whole on the bin with most time left among those with a place; false if one does
// not fit anywhere.
bool place_whole(std::span<Bin> bins, std::span<const Item> items, std::uint32_t places,
                 Shares& shares) {
  std::priority_queue<Load> loads;
  for (std::size_t i = 0; i < bins.size(); ++i)
    loads.push({bins[i].time, 0, i});
  for (const auto& item : items) {
    if (loads.empty() || loads.top().left < item.size)
      return false;
    auto load = loads.top();
    loads.pop();
    shares.push_back({item.member, bins[load.bin].cid, item.size});
    bins[load.bin].time -= item.size;
    load.left -= item.size;
    if (++load.sharers < places)
      loads.push(load);
  }
  return true;
}

// Tries with ever more of the largest items as the filling.
bool pack_balanced(const std::vector<Bin>& all_bins, const std::vector<Bin>& bins,
                   std::vector<Item> items, std::uint32_t max_sharers, Shares& shares) {
  std::ranges::sort(items, [](const Item& a, const Item& b) {
    return a.size != b.size ? a.size > b.size : a.member < b.member;
  });
  const auto confined = shares;
  for (auto filling = bins.size(); filling <= 4 * bins.size(); filling += bins.size() / 2 + 1) {
    const auto large = std::min(filling, items.size());
    const auto all = std::span<const Item>(items);
    shares = confined;
    auto trial = bins;
    // At most two large items meet on a bin more often than not; three places are kept for them.
    const auto places = std::max(1U, max_sharers - std::min(max_sharers, 3U));
    if (!place_whole(trial, all.subspan(large), places, shares))
      continue;
    walk_all(trial, all.first(large), shares);
    if (most_sharers(shares, all_bins) <= max_sharers)
      return true;
  }
  return false;
}

}  // namespace

Result<Shares> pack_shares(std::vector<Bin> bins, std::vector<Item> items,
                           std::uint32_t max_sharers) {
  Shares shares;
  if (bins.empty())
    return shares;
  const auto place = [](const Item& item) {
    return std::tuple(item.first, item.last, item.member);
  };
  if (!std::ranges::is_sorted(items, {}, place))
    std::ranges::sort(items, {}, place);
  const auto sharing = items.size();
  const auto all_bins = bins;
  shares.reserve(items.size() + bins.size());
  pack_confined(bins, items, shares);
  put_parts_at_ends(bins);
  const auto confined = shares.size();
  auto walked = bins;
  walk_all(walked, items, shares);
  if (most_sharers(shares, all_bins) <= max_sharers)
    return shares;
  shares.resize(confined);
  if (!pack_balanced(all_bins, bins, items, max_sharers, shares))
    return fail(Errc::infeasible,
                "{} participants have to share {} CPUs, but at most {} can share one", sharing,
                all_bins.size(), max_sharers);
  return shares;
}

}  // namespace fief
