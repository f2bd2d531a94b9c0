// SPDX-License-Identifier: GPL-2.0-only
#include "control/turn/reactions.hpp"

#include <algorithm>

namespace fief {
namespace {

// Somebody who writes weights without end is not measured without end.
constexpr std::size_t kMost = 4096;

}  // namespace

void Reactions::heard(Time written, Time now) {
  if (waiting_.size() == kMost)
    return;
  add(times_.heard, now - written);
  waiting_.push_back(written);
}

void Reactions::begun(Time now) {
  for (; begun_ < waiting_.size(); ++begun_)
    add(times_.begun, now - waiting_[begun_]);
}

void Reactions::in_force(Time now) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(begun_);
  std::for_each(waiting_.begin(), end, [&](Time written) { add(times_.in_force, now - written); });
  waiting_.erase(waiting_.begin(), end);
  begun_ = 0;
}

}  // namespace fief
