// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/pins.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

namespace fief {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRootName = "root";

std::optional<CgroupId> parse_name(std::string_view name) {
  if (name == kRootName)
    return kSelf;
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc{} || end != name.data() + name.size() || id == 0)
    return std::nullopt;
  return CgroupId{id};
}

bool is_on_bpffs(const std::string& directory) {
  struct statfs status{};
  return ::statfs(directory.c_str(), &status) == 0 && std::cmp_equal(status.f_type, BPF_FS_MAGIC);
}

Status make_directory(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error)
    return fail(Errc::io, "cannot make {}: {}", directory, error.message());
  return {};
}

}  // namespace

PinDirectory::PinDirectory(const std::string& base, CgroupId cgroup)
    : directory_(
          fmt::format("{}/{}", base, cgroup == kSelf ? kRootName : fmt::to_string(cgroup.value))) {}

Status PinDirectory::create() const {
  return end().and_then([this] { return make_directory(directory_); });
}

// Unpinned first: whoever is killed in the middle leaves a link that closes with its descriptor.
Status PinDirectory::end() const {
  if (const auto link = open(kLinkPin)) {
    if (::unlink(path(kLinkPin).c_str()) != 0)
      return fail(Errc::io, "cannot remove {}: {}", path(kLinkPin), std::strerror(errno));
    if (const int error = bpf_link_detach(link->get()); error != 0)
      return fail(Errc::kernel, "cannot detach the scheduler of {}: {}", directory_,
                  std::strerror(-error));
  }
  return clear();
}

Status PinDirectory::clear() const {
  std::error_code error;
  fs::remove_all(directory_, error);
  return error ? Status{fail(Errc::io, "cannot remove {}: {}", directory_, error.message())}
               : Status{};
}

std::string PinDirectory::path(std::string_view name) const {
  return fmt::format("{}/{}", directory_, name);
}

Result<UniqueFd> PinDirectory::open(std::string_view name) const {
  UniqueFd fd(bpf_obj_get(path(name).c_str()));
  if (!fd)
    return context(path(name), fail_errno(errno).value());
  return fd;
}

bool PinDirectory::holds_link() const {
  std::error_code error;
  return fs::exists(path(kLinkPin), error);
}

Result<UniqueFd> lock_pins(const std::string& base) {
  if (!is_on_bpffs(fs::path(base).parent_path()))
    return fail(Errc::unsupported, "there is no bpffs to make {} on; mount one at /sys/fs/bpf",
                base);
  if (const auto made = make_directory(base); !made)
    return tl::unexpected(made.error());
  auto directory = open_at(AT_FDCWD, base, O_RDONLY | O_DIRECTORY);
  if (!directory)
    return context(base, directory.error());
  if (::flock(directory->get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Errc::busy, "another fiefd is running; it holds the lock of {}", base);
  return directory;
}

std::vector<CgroupId> pinned_schedulers(const std::string& base) {
  std::vector<CgroupId> found;
  std::error_code error;
  fs::directory_iterator entries(base, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error))
    if (const auto cgroup = parse_name(entries->path().filename().string()))
      found.push_back(*cgroup);
  std::ranges::sort(found);
  return found;
}

}  // namespace fief
