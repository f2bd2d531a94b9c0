// SPDX-License-Identifier: GPL-2.0-only
// What the objects in the box say of their options, without anything being loaded.
#include <gmock/gmock.h>

#include <fstream>

#include "kernel/object_options.hpp"
#include "policy/load.hpp"
#include "temp_dir.hpp"

namespace fief::test {
namespace {

using ::testing::HasSubstr;

TEST(ObjectOptions, EverySchedulerInTheBoxHasItsSlice) {
  const auto catalog = options_in_directory(FIEF_BPF_DIR);
  for (const auto* scheduler : {"root", "fair", "latency", "batch"}) {
    const auto options = catalog(scheduler);
    ASSERT_TRUE(options) << scheduler;
    ASSERT_TRUE(options->contains("slice_us")) << scheduler;
    EXPECT_EQ(options->at("slice_us"), (OptionRange{.least = 100, .most = 1000000}));
    EXPECT_FALSE(options->contains("attached_cgroup_id")) << "is not for people to set";
  }
}

TEST(ObjectOptions, WhoDividesCpusHasTurns) {
  const auto options = options_in_directory(FIEF_BPF_DIR)("root");
  ASSERT_TRUE(options && options->contains("turn_us"));
  EXPECT_EQ(options->at("turn_us"), (OptionRange{.least = 1000, .most = 100000}));
}

TEST(ObjectOptions, WhatIsNoObjectHasNone) {
  const TempDir directory;
  const auto catalog = options_in_directory(directory.path());
  EXPECT_EQ(catalog("fair").error().code, Errc::unsupported) << "fief is not installed";
  std::ofstream(directory.path() / "fair.bpf.o") << "not an ELF file";
  EXPECT_EQ(catalog("fair").error().code, Errc::invalid);
  EXPECT_EQ(catalog("fiar").error().message,
            "there is no scheduler \"fiar\"; there are fair; did you mean \"fair\"?");
}

TEST(ObjectOptions, APolicyIsJudgedByThem) {
  const PolicyText text{"p.json", R"({"root": {"options": {"turn_us": 7}},
 "delegations": [{"cgroup": "/a", "scheduler": "batch", "options": {"slize_us": 500}},
                 {"cgroup": "/b", "scheduler": "elsewhere", "options": {"any": 1}}]})"};
  const auto policy = parse_policy({&text, 1}, {}, options_in_directory(FIEF_BPF_DIR));
  ASSERT_FALSE(policy);
  ASSERT_EQ(policy.error().size(), 3U);
  EXPECT_EQ(format_fault(policy.error()[0]),
            "p.json:1:34: /root/options/turn_us: turn_us is 7, it must lie between 1000 and 100000 "
            "(scheduler \"root\")");
  EXPECT_THAT(format_fault(policy.error()[1]), HasSubstr("did you mean \"slice_us\"?"));
  EXPECT_EQ(format_fault(policy.error()[2]),
            "p.json:3:48: /delegations/1/scheduler: there is no scheduler \"elsewhere\"; there are "
            "batch, fair, latency");
}

}  // namespace
}  // namespace fief::test
