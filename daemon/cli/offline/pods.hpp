// SPDX-License-Identifier: GPL-2.0-only
// `fiefctl pods`: from what a container runtime says of the pods on a node to a drop-in for those
// whose annotation asks for one of fief's classes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace fief::cli {

/// Names the class that a pod is to have.
inline constexpr char kClassAnnotation[] = "fief.io/class";

struct PodsDropIn {
  std::string text;  ///< a policy
  std::vector<std::string>
      passed_by;  ///< pods that ask for a class that they may not have, and why
};

/// @p listing is a document of "crictl pods --output json" (ListPodSandboxResponse of the
/// Kubernetes CRI, runtime.v1). Whoever may create pods may annotate them: @p classes are those
/// that they may choose from, and what they ask for besides leaves them as others are.
/// Errc::invalid: @p listing is no such document.
Result<PodsDropIn> pods_drop_in(std::string_view listing, const std::vector<std::string>& classes);

}  // namespace fief::cli
