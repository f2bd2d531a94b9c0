// SPDX-License-Identifier: GPL-2.0-only
// A directory laid out like a cgroup2 mount, from a declaration.
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "temp_dir.hpp"

namespace fief::test {

/// One cgroup of the fixture; what is unset has no file.
struct FakeCgroup {
  std::string path;  ///< "/a/b"
  std::optional<std::uint32_t> weight{};
  std::optional<bool> idle{};
  std::optional<bool> populated = false;
  std::optional<std::uint64_t> usage_usec{};
  std::optional<std::string> cpus{};  ///< cpuset.cpus.effective, "0-3"
};

class CgroupFixture {
 public:
  explicit CgroupFixture(const std::vector<FakeCgroup>& cgroups = {}) {
    for (const auto& cgroup : cgroups)
      make(cgroup);
  }

  [[nodiscard]] std::string mount() const { return dir_.path().string(); }
  [[nodiscard]] std::filesystem::path directory(std::string_view path) const {
    return dir_.path() / path.substr(1);
  }
  [[nodiscard]] CgroupId id(std::string_view path) const {
    struct stat status{};
    ::stat(directory(path).c_str(), &status);
    return CgroupId{status.st_ino};
  }

  /// The files come into being with the directory, as in cgroupfs: it is filled outside the
  /// hierarchy and then moved in.
  void make(const FakeCgroup& cgroup) const {
    const auto filled = outside_.path() / "new";
    std::filesystem::create_directory(filled);
    if (cgroup.weight)
      write_file(filled / "cpu.weight", fmt::format("{}\n", *cgroup.weight));
    if (cgroup.idle)
      write_file(filled / "cpu.idle", fmt::format("{}\n", *cgroup.idle ? 1 : 0));
    if (cgroup.populated)
      write_file(filled / "cgroup.events", events(*cgroup.populated));
    if (cgroup.usage_usec)
      write_file(filled / "cpu.stat",
                 fmt::format("usage_usec {}\nuser_usec 1\n", *cgroup.usage_usec));
    if (cgroup.cpus)
      write_file(filled / "cpuset.cpus.effective", *cgroup.cpus + "\n");
    std::filesystem::rename(filled, directory(cgroup.path));
  }
  void remove(std::string_view path) const { std::filesystem::remove_all(directory(path)); }
  void set_populated(std::string_view path, bool populated) const {
    write_file(directory(path) / "cgroup.events", events(populated));
  }
  void set_weight(std::string_view path, std::uint32_t weight) const {
    write_file(directory(path) / "cpu.weight", fmt::format("{}\n", weight));
  }

  /// Writes to a file of a cgroup, as a process does.
  void write(std::string_view path, std::string_view file, const std::string& text) const {
    write_file(directory(path) / file, text);
  }
  /// Changes a file as the kernel does by itself: nobody has written to it.
  void become(std::string_view path, std::string_view file, const std::string& text) const {
    write_file(outside_.path() / "file", text);
    std::filesystem::rename(outside_.path() / "file", directory(path) / file);
  }
  /// As if its controller was switched off.
  void drop(std::string_view path, std::string_view file) const {
    std::filesystem::remove(directory(path) / file);
  }

 private:
  static std::string events(bool populated) {
    return fmt::format("populated {}\nfrozen 0\n", populated ? 1 : 0);
  }

  TempDir dir_;
  TempDir outside_;
};

}  // namespace fief::test
