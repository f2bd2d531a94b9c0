// SPDX-License-Identifier: GPL-2.0-only
// Where the stages of the parser leave what they find wrong. Private to the parser.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/fault.hpp"
#include "policy/json_document.hpp"

namespace fief {

/// Where something stands in the policy's sources. Lives no longer than they do.
struct Place {
  std::string_view file;
  TextPosition at;
  std::string pointer;
};

class FaultLog {
 public:
  void add(const Place& place, std::string message) {
    faults_.push_back({std::string(place.file), place.at.line, place.at.column, place.pointer,
                       std::move(message)});
  }
  std::vector<PolicyFault> take() { return std::exchange(faults_, {}); }

 private:
  std::vector<PolicyFault> faults_;
};

}  // namespace fief
