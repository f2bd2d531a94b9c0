// SPDX-License-Identifier: GPL-2.0-only
// A key's value in a draft, with its place. Private to the parser.
#pragma once

#include <optional>

#include "policy/fault_log.hpp"

namespace fief {

/// Given without a value: it was wrong, and that has been reported.
template <class T>
struct Setting {
  bool given = false;
  std::optional<T> value;
  Place place;
};

}  // namespace fief
