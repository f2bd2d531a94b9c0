// SPDX-License-Identifier: GPL-2.0-only
#include "backend/quota.hpp"

namespace fief {

Quota::Ticket Quota::take(const std::string& client) {
  auto& count = (*counts_)[client];
  if (count == limit_)
    return nullptr;
  ++count;
  return {counts_.get(), [counts = counts_, client](Counts* all) {
            const auto found = all->find(client);
            if (--found->second == 0)
              all->erase(found);
          }};
}

}  // namespace fief
