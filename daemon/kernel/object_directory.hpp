// SPDX-License-Identifier: GPL-2.0-only
// Where BPF schedulers lie, and what can be known of them without loading them.
#pragma once

#include <string>
#include <string_view>

#include "policy/scheduler_options.hpp"

namespace fief {

inline constexpr char kDefaultObjectDirectory[] = "/usr/lib/fief/bpf";
inline constexpr std::string_view kObjectSuffix = ".bpf.o";

/// Where the object file of @p scheduler lies.
std::string object_path(const std::string& directory, const std::string& scheduler);

/// The options of the schedulers in a directory.
OptionCatalog options_in_directory(std::string directory);

}  // namespace fief
