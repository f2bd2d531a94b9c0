// SPDX-License-Identifier: GPL-2.0-only
#include "core/trusted_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp_dir.hpp"

namespace fief {
namespace {

using testing::HasSubstr;

constexpr std::size_t kLimit = 100;

class TrustedFile : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "only root may give files away";
    test::write_file(file(), "text");
  }

  [[nodiscard]] std::string file() const { return (directory_.path() / "file").string(); }
  /// Why the file is not obeyed.
  [[nodiscard]] std::string refusal() const {
    const auto text = read_file_of_root(file(), kLimit);
    EXPECT_FALSE(text);
    return text ? "" : text.error().message;
  }

  test::TempDir directory_;
};

TEST_F(TrustedFile, OfRootIsRead) {
  EXPECT_EQ(read_file_of_root(file(), kLimit), "text");
  EXPECT_EQ(read_regular_file(file(), kLimit), "text");
}

TEST_F(TrustedFile, OfOthersIsNotObeyed) {
  ASSERT_EQ(::chown(file().c_str(), 1234, 0), 0);
  EXPECT_EQ(refusal(), "belongs to user 1234, not to root; chown root it");
  EXPECT_EQ(read_regular_file(file(), kLimit), "text");
}

TEST_F(TrustedFile, ThatOthersMayWriteIsNotObeyed) {
  ASSERT_EQ(::chmod(file().c_str(), 0646), 0);
  EXPECT_THAT(refusal(), HasSubstr("chmod go-w it"));
  ASSERT_EQ(::chmod(file().c_str(), 0664), 0);
  ASSERT_EQ(::chown(file().c_str(), 0, 1234), 0);
  EXPECT_THAT(refusal(), HasSubstr("chmod go-w it"));
}

TEST_F(TrustedFile, IsReadAsAWholeOrNotAtAll) {
  EXPECT_EQ(read_file_of_root(file(), 3).error().code, Errc::invalid);
}

TEST_F(TrustedFile, IsNoPipe) {
  const auto pipe = (directory_.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_file_of_root(pipe, kLimit).error().message, "is not a regular file");
}

TEST_F(TrustedFile, ThatIsNotThereIsNotFound) {
  EXPECT_EQ(read_file_of_root(file() + "x", kLimit).error().code, Errc::not_found);
}

}  // namespace
}  // namespace fief
