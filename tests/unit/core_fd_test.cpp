// SPDX-License-Identifier: GPL-2.0-only
#include "core/fd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "temp_dir.hpp"

namespace fief {
namespace {

using testing::HasSubstr;

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd open_null() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST(UniqueFd, HoldsNothingAtFirst) {
  const UniqueFd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFd, ClosesWhatItHolds) {
  int number = -1;
  {
    const auto fd = open_null();
    number = fd.get();
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MovingOntoItselfKeepsItOpen) {
  auto fd = open_null();
  const int number = fd.get();
  auto& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.get(), number);
  EXPECT_TRUE(is_open(number));
}

TEST(UniqueFd, MovingOverALiveOneClosesThatOne) {
  auto target = open_null();
  auto source = open_null();
  const int replaced = target.get();
  const int kept = source.get();
  target = std::move(source);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_EQ(target.get(), kept);
  EXPECT_TRUE(is_open(kept));
}

TEST(UniqueFd, MovedFromHoldsNothing) {
  auto source = open_null();
  const UniqueFd target(std::move(source));
  EXPECT_TRUE(target);
  EXPECT_FALSE(source);  // NOLINT(bugprone-use-after-move): what this test is about
}

TEST(UniqueFd, ReleasedIsNotClosed) {
  auto fd = open_null();
  const int number = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(UniqueFd, ResetClosesTheOldOne) {
  auto fd = open_null();
  const int old = fd.get();
  fd.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_TRUE(fd);
  // The kernel gives the lowest free number, so the new one differs while the old is open.
  EXPECT_NE(fd.get(), old);
  EXPECT_FALSE(is_open(old));
}

TEST(OpenAt, AddsCloseOnExec) {
  const auto fd = open_at(AT_FDCWD, "/dev/null", O_RDONLY);
  ASSERT_TRUE(fd);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(OpenAt, SaysWhatFailed) {
  const auto fd = open_at(AT_FDCWD, "/does/not/exist", O_RDONLY);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, Errc::not_found);
  EXPECT_THAT(fd.error().message, HasSubstr("No such file"));
}

TEST(FailErrno, SortsErrors) {
  EXPECT_EQ(fail_errno(ENODEV).value().code, Errc::not_found);
  EXPECT_EQ(fail_errno(EACCES).value().code, Errc::denied);
  EXPECT_EQ(fail_errno(EMFILE).value().code, Errc::io);
}

TEST(ReadAll, ReadsFilesOfAnyLengthUpToTheLimit) {
  const test::TempDir dir;
  const std::string text(10000, 'x');
  test::write_file(dir.path() / "file", text);
  const auto open = [&dir] { return open_at(AT_FDCWD, (dir.path() / "file").string(), O_RDONLY); };
  EXPECT_EQ(read_all(open()->get(), text.size()).value(), text);
  const auto refused = read_all(open()->get(), text.size() - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
}

TEST(ReadFile, ReadsAPipeToo) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  ASSERT_EQ(::write(to.get(), "text", 4), 4);
  to.reset();
  EXPECT_EQ(read_file(fmt::format("/proc/self/fd/{}", from.get()), 4), "text");
}

TEST(ReadFile, SaysWhatFailed) {
  EXPECT_EQ(read_file("/does/not/exist", 4).error().code, Errc::not_found);
  EXPECT_EQ(read_file("/", 4).error().code, Errc::io);
  const test::TempDir dir;
  test::write_file(dir.path() / "file", "longer");
  EXPECT_EQ(read_file((dir.path() / "file").string(), 4).error().code, Errc::invalid);
}

TEST(ReadAll, ReportsAFailingRead) {
  const auto fd = open_at(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
  const auto text = read_all(fd->get(), 100);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::io);
}

}  // namespace
}  // namespace fief
