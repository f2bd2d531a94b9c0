// SPDX-License-Identifier: GPL-2.0-only
// What may be set in a BPF scheduler before it is loaded, read from its object file: needs neither
// privileges nor a kernel that could load it.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "kernel/libbpf_handles.hpp"
#include "kernel/object_directory.hpp"
#include "policy/scheduler_options.hpp"

namespace fief {

/// The constant of fief's children that says where they are attached: the loader's to set.
inline constexpr char kCgroupConstant[] = "attached_cgroup_id";
/// The syscall program that every scheduler of fief's has.
inline constexpr char kInfoProgram[] = "fief_info";

/// A `const volatile` number of an object, where it lies in the initial value of its section.
struct Tunable {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  OptionRange range;  ///< of its type
};

/// Every such number of @p object, by name.
std::map<std::string, Tunable, std::less<>> tunables_of(const bpf_object& object);

/// Those of them that are for people to set, within what @p object takes.
SchedulerOptions options_of(const bpf_object& object);

/// Sets @p name in an object that is not loaded yet. Errc::invalid: it has no such number.
Status set_tunable(bpf_object& object, std::string_view name, std::int64_t value);

/// A longer object file is refused unread.
inline constexpr std::size_t kMaxObjectBytes = 64UL << 20;

/// Opens what an object file holds; @p name is the scheduler's. The object does not refer to
/// @p content afterwards. nullptr with errno: it is no object.
BpfPtr<bpf_object> open_object(std::string_view content, const std::string& name);

/// Opens an object file and closes it again. Errc::invalid: it is none; Errc::denied: it is not
/// trusted.
Result<SchedulerOptions> options_in_file(const std::string& file, FileTrust trust);

}  // namespace fief
