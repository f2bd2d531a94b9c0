// SPDX-License-Identifier: GPL-2.0-only
#include "api/snapshots.hpp"

#include <utility>

#include "status/view_facts.hpp"
#include "status/view_json.hpp"

namespace fief {

IndexedStatus::IndexedStatus(StatusView status) : status_(std::move(status)) {
  for (std::size_t i = 0; i < status_.schedulers.size(); ++i)
    if (const auto& view = status_.schedulers[i]; has_object(view))
      by_id_.emplace(view.cgroup, i);
}

const SchedulerView* IndexedStatus::find(CgroupId cgroup) const {
  const auto found = by_id_.find(cgroup);
  return found == by_id_.end() ? nullptr : &status_.schedulers[found->second];
}

void Snapshots::announce(StatusView status) {
  announced_ = IndexedStatus(std::move(status));
  live_turn_ = 0;
}

void Snapshots::while_announcing(const std::function<void()>& emit) {
  announcing_ = true;
  emit();
  announcing_ = false;
}

const StatusView& Snapshots::live(std::uint64_t turn) {
  if (announcing_)
    return announced_.status();
  refresh(turn);
  return live_.status();
}

const std::string& Snapshots::live_json(std::uint64_t turn) {
  refresh(turn);
  if (live_json_.empty())
    live_json_ = to_json(live_.status());
  return live_json_;
}

const SchedulerView* Snapshots::find(CgroupId cgroup, std::uint64_t turn) {
  const auto* known = announced_.find(cgroup);
  if (known == nullptr || announcing_)
    return known;
  refresh(turn);
  const auto* fresh = live_.find(cgroup);
  return fresh != nullptr ? fresh : known;
}

void Snapshots::refresh(std::uint64_t turn) {
  if (live_turn_ == turn)
    return;
  live_ = IndexedStatus(backend_.status(Figures::read));
  live_json_.clear();
  live_turn_ = turn;
}

}  // namespace fief
