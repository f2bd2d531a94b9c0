// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "cgroup/walk.hpp"

namespace fief {
namespace {

constexpr std::size_t kMaxFile = 64U << 10;
constexpr std::uint32_t kMaxWeight = 10000;

/// The file's text, or nothing where the cgroup has no such file (no controller, the root).
Result<std::optional<std::string>> read_file(int directory, std::string_view name) {
  const auto fd = open_at(directory, name, O_RDONLY);
  if (!fd && fd.error().code == Errc::not_found)
    return std::nullopt;
  if (!fd)
    return context(name, fd.error());
  auto text = read_all(fd->get(), kMaxFile);
  if (!text)
    return context(name, text.error());
  return std::move(*text);
}

/// As read_file(), for a file that goes when its controller is switched off, perhaps while it is
/// open.
Result<std::optional<std::string>> read_controller_file(int directory, std::string_view name) {
  auto text = read_file(directory, name);
  if (!text && text.error().code == Errc::not_found)
    return std::nullopt;
  return text;
}

/// The number at the start of @p text.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || (end != text.data() + text.size() && *end != '\n'))
    return std::nullopt;
  return value;
}

Result<std::optional<std::uint64_t>> read_number(int directory, std::string_view name) {
  const auto text = read_controller_file(directory, name);
  if (!text)
    return tl::unexpected(text.error());
  if (!*text)
    return std::nullopt;
  const auto number = leading_number(**text);
  if (!number)
    return fail(Errc::io, "{}: \"{}\" is not a number", name, **text);
  return number;
}

/// The value of @p key in a flat-keyed file, "key value" a line.
Result<std::optional<std::uint64_t>> read_keyed(int directory, std::string_view name,
                                                std::string_view key) {
  const auto text = read_file(directory, name);
  if (!text)
    return tl::unexpected(text.error());
  std::string_view rest = *text ? std::string_view(**text) : std::string_view{};
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return leading_number(line.substr(key.size() + 1));
  }
  return std::nullopt;
}

Result<std::optional<CpuMax>> read_limit(int directory) {
  constexpr std::string_view kFile = "cpu.max";
  const auto text = read_controller_file(directory, kFile);
  if (!text)
    return tl::unexpected(text.error());
  if (!*text || (*text)->starts_with("max"))
    return std::nullopt;
  const std::string_view line(**text);
  const auto space = std::min(line.find(' '), line.size());
  const auto quota = leading_number(line.substr(0, space));
  const auto period = leading_number(line.substr(std::min(space + 1, line.size())));
  if (!quota || !period || *period == 0)
    return fail(Errc::io, "{}: \"{}\" is no quota and period", kFile, line);
  return CpuMax{.quota_us = *quota, .period_us = *period};
}

Result<UniqueFd> open_in_mount(std::string_view mount, std::string_view path, CgroupId id) {
  const auto root = open_cgroup_mount(mount);
  if (!root)
    return tl::unexpected(root.error());
  return open_cgroup(root->get(), path, id);
}

}  // namespace

Result<UniqueFd> open_cgroup_mount(std::string_view mount) {
  auto fd = open_at(AT_FDCWD, mount, O_RDONLY | O_DIRECTORY);
  if (!fd)
    return context(mount, fd.error());
  return fd;
}

Result<UniqueFd> open_cgroup(int mount, std::string_view path, CgroupId id) {
  const auto relative = path == "/" ? std::string_view(".") : path.substr(1);
  auto fd = open_child(mount, relative);
  if (!fd)
    return context(path, fd.error());
  const auto found = read_cgroup_id(fd->get());
  if (!found)
    return context(path, found.error());
  if (*found != id)
    return fail(Errc::not_found, "{}: cgroup {} is gone, {} has its path now", path, id.value,
                found->value);
  return fd;
}

Result<CgroupId> read_cgroup_id(int directory) {
  struct stat status{};
  if (::fstat(directory, &status) != 0)
    return fail_errno(errno);
  return CgroupId{status.st_ino};
}

Result<bool> read_populated(int directory) {
  const auto populated = read_keyed(directory, "cgroup.events", "populated");
  if (!populated)
    return tl::unexpected(populated.error());
  return populated->value_or(0) != 0;
}

Result<std::optional<CidSet>> read_cpus(int directory) {
  constexpr std::string_view kFile = "cpuset.cpus.effective";
  const auto text = read_controller_file(directory, kFile);
  if (!text)
    return tl::unexpected(text.error());
  if (!*text)
    return std::nullopt;
  const std::string_view list(**text);
  auto cpus = CidSet::parse(list.substr(0, list.find('\n')));
  if (!cpus)
    return context(kFile, cpus.error());
  return std::move(*cpus);
}

Result<CgroupAttributes> read_cgroup(int directory) {
  const auto id = read_cgroup_id(directory);
  const auto weight = read_number(directory, "cpu.weight");
  const auto idle = read_number(directory, "cpu.idle");
  const auto populated = read_populated(directory);
  auto cpus = read_cpus(directory);
  const auto limit = read_limit(directory);
  if (!id)
    return tl::unexpected(id.error());
  if (!weight)
    return tl::unexpected(weight.error());
  if (!idle)
    return tl::unexpected(idle.error());
  if (!populated)
    return tl::unexpected(populated.error());
  if (!cpus)
    return tl::unexpected(cpus.error());
  if (!limit)
    return tl::unexpected(limit.error());
  const auto in_range = std::clamp<std::uint64_t>(weight->value_or(kDefaultWeight), 1, kMaxWeight);
  return CgroupAttributes{.id = *id,
                          .weight = static_cast<std::uint32_t>(in_range),
                          .idle = idle->value_or(0) != 0,
                          .populated = *populated,
                          .cpus = std::move(*cpus),
                          .limit = *limit};
}

Result<CgroupTree> read_cgroup_tree(std::string_view mount) {
  const auto fd = open_cgroup_mount(mount);
  if (!fd)
    return tl::unexpected(fd.error());
  auto hierarchy = walk_hierarchy(fd->get(), read_cgroup, [](CgroupId /*parent*/) {});
  if (!hierarchy)
    return context(mount, hierarchy.error());
  return hierarchy->snapshot();
}

Result<uid_t> read_owner(std::string_view mount, std::string_view path, CgroupId id) {
  const auto cgroup = open_in_mount(mount, path, id);
  if (!cgroup)
    return tl::unexpected(cgroup.error());
  struct stat status{};
  if (::fstat(cgroup->get(), &status) != 0)
    return context(path, fail_errno(errno).value());
  return status.st_uid;
}

Result<std::uint64_t> read_usage_usec(std::string_view mount, std::string_view path, CgroupId id) {
  const auto cgroup = open_in_mount(mount, path, id);
  if (!cgroup)
    return tl::unexpected(cgroup.error());
  const auto usage = read_keyed(cgroup->get(), "cpu.stat", "usage_usec");
  if (!usage)
    return context(path, usage.error());
  if (!*usage)
    return fail(Errc::not_found, "{}: cpu.stat tells no usage_usec", path);
  return **usage;
}

}  // namespace fief
