// SPDX-License-Identifier: GPL-2.0-only
// What is wrong with a policy, and where: every fault of a reading is collected, none hides
// another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fief {

/// One fault. line == 0: it concerns the file as a whole (it cannot be read, say).
struct PolicyFault {
  std::string file;
  std::uint32_t line = 0;    ///< from 1
  std::uint32_t column = 0;  ///< from 1, in characters (code points), not bytes
  std::string pointer;       ///< JSON pointer (RFC 6901); "" is the whole document
  std::string message;
  friend bool operator==(const PolicyFault&, const PolicyFault&) = default;
};

/// One line, as compilers write it: `FILE:7:15: /delegations/0/wieght: unknown key "wieght"; …`.
std::string format_fault(const PolicyFault& fault);

/// All of them, a line each, without a newline at the end.
std::string format_faults(std::span<const PolicyFault> faults);

}  // namespace fief
