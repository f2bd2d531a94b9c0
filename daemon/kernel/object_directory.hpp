// SPDX-License-Identifier: GPL-2.0-only
// Where BPF schedulers lie, and what can be known of them without loading them.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "policy/load.hpp"
#include "policy/scheduler_options.hpp"

namespace fief {

inline constexpr char kDefaultObjectDirectory[] = "/usr/lib/fief/bpf";
inline constexpr std::string_view kObjectSuffix = ".bpf.o";

/// Where the object file of @p scheduler lies.
std::string object_path(const std::string& directory, const std::string& scheduler);

/// The schedulers in a directory that can be attached to a cgroup, by name.
std::set<std::string> schedulers_in(const std::string& directory);

/// The options of the schedulers in a directory. Of one without any scheduler nobody can tell:
/// fief's objects are elsewhere, or not installed.
OptionCatalog options_in_directory(std::string directory, FileTrust trust = FileTrust::any);

}  // namespace fief
