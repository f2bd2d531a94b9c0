// SPDX-License-Identifier: GPL-2.0-only
// A visitor of a variant out of one function for each of its kinds.
#pragma once

namespace fief {

template <class... Functions>
// NOLINTNEXTLINE(misc-multiple-inheritance): functions have nothing that could be there twice
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace fief
