// SPDX-License-Identifier: GPL-2.0-only
#include "status/view_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fief/dbus_names.hpp"

namespace fief {
namespace {

constexpr std::string_view kRootName = "root";

// "/a/b" -> "/a" -> "/" -> "".
std::string_view above(std::string_view path) {
  if (path == "/")
    return {};
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

}  // namespace

double to_cpus(CpuTime time) {
  return static_cast<double>(time) / static_cast<double>(kCpuUnit);
}

bool is_root(const SchedulerView& view) {
  return view.path == "/";
}

bool has_object(const SchedulerView& view) {
  return is_root(view) || view.cgroup != kSelf;
}

std::string object_path(CgroupId cgroup) {
  if (cgroup == kSelf)
    return fmt::format("{}{}", dbus::kSchedulerPathPrefix, kRootName);
  return fmt::format("{}{}", dbus::kSchedulerPathPrefix, cgroup.value);
}

std::optional<CgroupId> cgroup_of_object(std::string_view object_path) {
  constexpr std::string_view prefix = dbus::kSchedulerPathPrefix;
  if (!object_path.starts_with(prefix))
    return std::nullopt;
  const auto name = object_path.substr(prefix.size());
  if (name == kRootName)
    return kSelf;
  CgroupId id;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id.value);
  // One spelling an object: no leading zeros, and 0 is the root's.
  if (error != std::errc{} || end != name.data() + name.size() || name.front() == '0')
    return std::nullopt;
  return id;
}

CidSet held_exclusive(const SchedulerView& view) {
  return view.held.enq();
}

SharedCids held_shared(const SchedulerView& view) {
  const auto baseline = view.held.immed() - view.held.enq();
  SharedCids shared;
  for (const auto& planned : view.planned_shared)
    if (baseline.contains(planned.cid))
      shared.push_back(planned);
  return shared;
}

CidSet borrowable(const SchedulerView& view) {
  auto cids = view.held.immed() - view.held.enq();
  for (const auto& planned : view.planned_shared)
    cids.erase(planned.cid);
  return cids;
}

PathIndex::PathIndex(const StatusView& status) {
  for (const auto& view : status.schedulers)
    by_path_.emplace(view.path, &view);
}

const SchedulerView* PathIndex::find(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

const SchedulerView* PathIndex::parent(const SchedulerView& view) const {
  for (auto path = above(view.path); !path.empty(); path = above(path)) {
    const auto* candidate = find(path);
    if (candidate != nullptr &&
        (is_root(*candidate) || candidate->state == SchedulerState::attached))
      return candidate;
  }
  return nullptr;
}

}  // namespace fief
