// SPDX-License-Identifier: GPL-2.0-only
#include "backend/boosts.hpp"

#include <utility>

namespace fief {

// The hold begins before anything is changed, and lasts only if all goes well.
void Boosts::begin(Boost boost, const Requester& requester, Held held) {
  auto hold = holds_->open(requester.uid);
  if (!hold)
    return held(tl::unexpected(hold.error()));
  boost.hold = hold->id;
  auto in_force = [&backend = backend_, holds = std::weak_ptr(holds_), id = hold->id,
                   descriptor = std::make_shared<UniqueFd>(std::move(hold->descriptor)),
                   held = std::move(held)](const Status& outcome) {
    if (outcome)
      return held(std::move(*descriptor));
    if (const auto alive = holds.lock()) {
      alive->close(id);
      backend.release(id);
    }
    held(tl::unexpected(outcome.error()));
  };
  backend_.perform(std::move(boost), requester, std::move(in_force));
}

}  // namespace fief
