// SPDX-License-Identifier: GPL-2.0-only
#include "policy/drop_ins.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "core/fd.hpp"
#include "policy/load.hpp"

namespace fief {
namespace {

// Policies are no secret: fiefctl check reads them as anybody.
constexpr mode_t kMode = 0644;

Status checked(int result) {
  if (result != 0)
    return fail_errno(errno);
  return {};
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return fail_errno(errno);
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

Status write_durably(int directory, const std::string& name, std::string_view text) {
  const UniqueFd file(::openat(directory, name.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (!file)
    return fail_errno(errno);
  return write_all(file.get(), text)
      .and_then([&file] { return checked(::fchmod(file.get(), kMode)); })
      .and_then([&file] { return checked(::fsync(file.get())); });
}

// The name starts with a dot: no reader takes what a crash leaves behind for a drop-in.
Status replace(int directory, const std::string& name, std::string_view text) {
  const auto temporary = ".fief-new.json";
  auto status = write_durably(directory, temporary, text).and_then([&] {
    return checked(::renameat(directory, temporary, directory, name.c_str()));
  });
  if (!status)
    ::unlinkat(directory, temporary, 0);
  return status;
}

Status remove(int directory, const std::string& name) {
  if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT)
    return fail_errno(errno);
  return {};
}

}  // namespace

std::string DropIns::path(std::string_view name) const {
  return fmt::format("{}/{}", directory_, name);
}

Result<std::string> DropIns::read(std::string_view name) const {
  std::error_code ignored;
  if (!std::filesystem::exists(path(name), ignored))
    return std::string{};
  return read_policy_file(path(name), FileTrust::root_only);
}

Status DropIns::write(std::string_view name, std::string_view text) const {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  const auto directory = open_at(AT_FDCWD, directory_, O_RDONLY | O_DIRECTORY);
  if (!directory)
    return context(directory_, directory.error());
  const std::string file(name);
  const auto status =
      (text.empty() ? remove(directory->get(), file) : replace(directory->get(), file, text))
          .and_then([&directory] { return checked(::fsync(directory->get())); });
  return status ? Status{} : context(path(name), status.error());
}

}  // namespace fief
