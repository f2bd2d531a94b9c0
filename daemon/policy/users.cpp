// SPDX-License-Identifier: GPL-2.0-only
#include "policy/users.hpp"

#include <pwd.h>

#include <cerrno>
#include <vector>

#include "core/fd.hpp"

namespace fief {
namespace {

constexpr std::size_t kFirstBuffer = 1024;
constexpr std::size_t kMaxBuffer = std::size_t{1} << 20U;

}  // namespace

Result<std::uint32_t> user_id_of(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  int error = ERANGE;
  for (auto size = kFirstBuffer; error == ERANGE && size <= kMaxBuffer; size *= 2) {
    std::vector<char> buffer(size);
    error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  }
  if (found != nullptr)
    return entry.pw_uid;
  // POSIX leaves it open whether a missing user is an error, and which.
  if (error == 0 || error == ENOENT || error == ESRCH)
    return fail(Errc::not_found, "there is no user \"{}\"", name);
  return context("the user cannot be looked up", fail_errno(error).value());
}

}  // namespace fief
