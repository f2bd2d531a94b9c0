// SPDX-License-Identifier: GPL-2.0-only
// The least number of CPUs that must change hands, by minimum-cost flow (LEMON).
#pragma once

#include <cstddef>
#include <vector>

namespace fief::test {

/// @p had[c] is who had CPU c, -1 for nobody; @p wants[p] is how many p must have. Every CPU goes
/// to one participant or to nobody. Returns the least number of CPUs that go to somebody who did
/// not have them. Built as C++17, which LEMON's headers need: hence no project type in here.
int least_moves(const std::vector<int>& had, const std::vector<int>& wants);

/// Whether amounts fit into bins where amounts[i] may go only to the bins of @p allowed[i], by
/// maximum flow.
bool fits(const std::vector<int>& amounts, const std::vector<std::vector<int>>& allowed,
          const std::vector<int>& bins);

}  // namespace fief::test
