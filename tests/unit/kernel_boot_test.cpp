// SPDX-License-Identifier: GPL-2.0-only
// What stands in the way of every scheduler until the next boot.
#include <gmock/gmock.h>

#include "kernel/boot_check.hpp"
#include "temp_dir.hpp"

namespace fief::test {
namespace {

using ::testing::HasSubstr;

class Boot : public ::testing::Test {
 protected:
  Boot() {
    write_file(files_.isolated, "\n");
    write_file(files_.lockdown, "[none] integrity confidentiality\n");
    write_file(files_.types, "BTF");
  }
  void expect_refusal(const std::string& words) const {
    const auto checked = check_boot(files_);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Errc::unsupported);
    EXPECT_THAT(checked.error().message, HasSubstr(words));
  }

  TempDir directory_;
  BootFiles files_{.isolated = directory_.path() / "isolated",
                   .lockdown = directory_.path() / "lockdown",
                   .types = directory_.path() / "vmlinux"};
};

TEST_F(Boot, AnOrdinaryKernelIsFine) {
  EXPECT_TRUE(check_boot(files_));
}

TEST_F(Boot, AKernelWithoutLockdownOrIsolationIsFine) {
  std::filesystem::remove(files_.isolated);
  std::filesystem::remove(files_.lockdown);
  EXPECT_TRUE(check_boot(files_));
}

TEST_F(Boot, IsolatedCpusAreNamed) {
  write_file(files_.isolated, "2-3,7\n");
  expect_refusal("CPUs 2-3,7 were isolated at boot");
}

TEST_F(Boot, OnlyConfidentialityIsInTheWay) {
  write_file(files_.lockdown, "none [integrity] confidentiality\n");
  EXPECT_TRUE(check_boot(files_));
  write_file(files_.lockdown, "none integrity [confidentiality]\n");
  expect_refusal("locked down for confidentiality");
}

TEST_F(Boot, TypesAreNeeded) {
  std::filesystem::remove(files_.types);
  expect_refusal("CONFIG_DEBUG_INFO_BTF=y");
}

}  // namespace
}  // namespace fief::test
