// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sched_ext_sysfs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "core/fd.hpp"

namespace fief {
namespace {

constexpr std::string_view kChildPrefix = "sub-";
constexpr std::size_t kMaxFile = 4096;

Result<std::string> read_line(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  if (!text)
    return context(path, text.error());
  while (!text->empty() && text->back() == '\n')
    text->pop_back();
  return text;
}

/// The cgroup id in "sub-<id>", kSelf for any other name.
CgroupId child_id(std::string_view name) {
  std::uint64_t id = 0;
  if (name.starts_with(kChildPrefix)) {
    name.remove_prefix(kChildPrefix.size());
    (void)std::from_chars(name.data(), name.data() + name.size(), id);
  }
  return CgroupId{id};
}

/// The events of kernel/sched/ext/internal.h (struct scx_event_stats) that are refusals.
constexpr std::array<std::string_view, 6> kRefusals{
    "SCX_EV_SLICE_DENIED",    "SCX_EV_INSERT_NOT_OWNED", "SCX_EV_SUB_PREEMPT_DENIED",
    "SCX_EV_SUB_KICK_DENIED", "SCX_EV_SUB_REENQ_DENIED", "SCX_EV_SUB_CIDPERF_DENIED",
};

std::vector<CgroupId> children_in(const std::string& directory) {
  std::vector<CgroupId> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error))
    if (const auto id = child_id(it->path().filename().string()); id != kSelf)
      found.push_back(id);
  std::ranges::sort(found);
  return found;
}

}  // namespace

Result<std::string> SchedExtSysfs::state() const {
  return read_line(root_ + "/state");
}

std::vector<SysfsScheduler> SchedExtSysfs::schedulers() {
  if (!seen_.empty() && is_as_seen())
    return schedulers_;
  schedulers_.clear();
  seen_.clear();
  if (auto top = look_at(root_))
    seen_.push_back(std::move(*top));
  collect(root_ + "/root", kSelf, kSelf);
  return schedulers_;
}

std::uint64_t SchedExtSysfs::denied(CgroupId cgroup) const {
  const auto scheduler = std::ranges::find(schedulers_, cgroup, &SysfsScheduler::cgroup);
  if (scheduler == schedulers_.end())
    return 0;
  std::istringstream lines(read_line(scheduler->directory + "/events").value_or(""));
  std::string name;
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  while (lines >> name >> count)
    if (std::ranges::find(kRefusals, name) != kRefusals.end())
      sum += count;
  return sum;
}

std::optional<SchedExtSysfs::Seen> SchedExtSysfs::look_at(const std::string& directory) {
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0)
    return std::nullopt;
  return Seen{.directory = directory, .inode = status.st_ino, .links = status.st_nlink};
}

bool SchedExtSysfs::is_as_seen() const {
  return std::ranges::all_of(seen_,
                             [](const Seen& seen) { return look_at(seen.directory) == seen; });
}

// Looked at before it is read: what comes in between is seen the next time. A scheduler that takes
// no children has no directory for them.
void SchedExtSysfs::collect(const std::string& directory, CgroupId cgroup, CgroupId parent) {
  auto seen = look_at(directory + "/sub");
  if (!seen)
    seen = look_at(directory);
  auto name = read_line(directory + "/ops");
  if (!seen || !name)
    return;
  seen_.push_back(std::move(*seen));
  schedulers_.push_back({cgroup, parent, std::move(*name), directory});
  for (const auto child : children_in(directory + "/sub"))
    collect(fmt::format("{}/sub/{}{}", directory, kChildPrefix, child.value), child, cgroup);
}

}  // namespace fief
