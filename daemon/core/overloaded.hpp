// SPDX-License-Identifier: GPL-2.0-only
// A visitor of a variant out of one function for each of its kinds.
#pragma once

namespace fief {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace fief
