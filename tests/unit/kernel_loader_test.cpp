// SPDX-License-Identifier: GPL-2.0-only
// Object files that are refused before the kernel hears of them.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/scheduler_loader.hpp"
#include "temp_dir.hpp"

namespace fief::test {
namespace {

class LoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "only root may give files away";
    write_file(file(), "not an ELF file");
  }

  [[nodiscard]] std::string file() const { return (directory_.path() / "own.bpf.o").string(); }
  [[nodiscard]] Error refusal() const {
    const auto loaded = SchedulerLoader::load(
        {.file = file(),
         .request = {.cgroup = kSelf, .path = "/", .scheduler = "own", .options = {}},
         .pins = PinDirectory(directory_.path(), kSelf)});
    return loaded ? Error{Errc::io, "it was loaded"} : loaded.error();
  }

 private:
  TempDir directory_;
};

TEST_F(LoaderTest, WhatOthersMayWriteIsNotLoaded) {
  ASSERT_EQ(::chmod(file().c_str(), 0666), 0);
  EXPECT_EQ(refusal().code, Errc::denied);
  EXPECT_EQ(refusal().message, file() + ": can be written by others than root; chmod go-w it");
}

TEST_F(LoaderTest, WhatOthersOwnIsNotLoaded) {
  ASSERT_EQ(::chown(file().c_str(), 1234, 0), 0);
  EXPECT_EQ(refusal().code, Errc::denied);
  EXPECT_EQ(refusal().message, file() + ": belongs to user 1234, not to root; chown root it");
}

TEST_F(LoaderTest, WhatIsNoObjectIsNotLoaded) {
  EXPECT_EQ(refusal().code, Errc::invalid);
}

TEST_F(LoaderTest, WhatIsNotThereIsNotFound) {
  ASSERT_EQ(::unlink(file().c_str()), 0);
  EXPECT_EQ(refusal().code, Errc::not_found);
}

}  // namespace
}  // namespace fief::test
