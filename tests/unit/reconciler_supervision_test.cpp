// SPDX-License-Identifier: GPL-2.0-only
// Back-off, quarantine, and what an exit means.
#include <gtest/gtest.h>

#include "control/schedulers/supervision.hpp"
#include "kernel/exit_kind.hpp"

namespace fief {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Supervision::Time kStart{std::chrono::hours{5}};

RestartPolicy policy() {
  return {.enabled = true,
          .first_delay = milliseconds{1000},
          .max_delay = milliseconds{5000},
          .quarantine_after = 5,
          .max_denied_per_second = std::nullopt};
}

TEST(Supervision, DelaysDoubleUpToTheMaximum) {
  Supervision supervision;
  const std::array<int, 4> delays{1000, 2000, 4000, 5000};
  auto now = kStart;
  for (const auto delay : delays) {
    supervision.failed(now, policy(), 0.0, "no");
    ASSERT_TRUE(supervision.retry_at());
    EXPECT_EQ(*supervision.retry_at() - now, milliseconds{delay});
    EXPECT_FALSE(supervision.may_try(now));
    now = *supervision.retry_at();
    EXPECT_TRUE(supervision.may_try(now));
  }
}

TEST(Supervision, JitterShortensByAtMostAQuarter) {
  Supervision supervision;
  supervision.failed(kStart, policy(), 0.999, "no");
  const auto delay = *supervision.retry_at() - kStart;
  EXPECT_GE(delay, milliseconds{750});
  EXPECT_LT(delay, milliseconds{1000});
}

TEST(Supervision, TooManyFailuresEndInQuarantine) {
  Supervision supervision;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(supervision.quarantined());
    supervision.failed(kStart + seconds{i}, policy(), 0.0, "no");
  }
  EXPECT_TRUE(supervision.quarantined());
  EXPECT_FALSE(supervision.may_try(kStart + std::chrono::hours{24}));
  EXPECT_EQ(supervision.last_error(), "no");
}

TEST(Supervision, OldFailuresAreForgotten) {
  Supervision supervision;
  for (int i = 0; i < 50; ++i) {
    const auto now = kStart + i * minutes{11};
    supervision.failed(now, policy(), 0.0, "no");
    ASSERT_FALSE(supervision.quarantined());
    EXPECT_EQ(*supervision.retry_at() - now, seconds{1});
  }
}

TEST(Supervision, SuccessDoesNotWipeTheRecordOfCrashes) {
  Supervision supervision;
  for (int i = 0; i < 5; ++i) {
    supervision.failed(kStart + seconds{i}, policy(), 0.0, "crash");
    supervision.succeeded();
  }
  EXPECT_TRUE(supervision.quarantined());
}

TEST(Supervision, DisabledRestartGivesUpAtOnce) {
  Supervision supervision;
  auto once = policy();
  once.enabled = false;
  supervision.failed(kStart, once, 0.0, "no");
  EXPECT_TRUE(supervision.quarantined());
}

TEST(Exits, KindAndCodeDecide) {
  const auto exit = [](std::uint32_t kind, std::int64_t code) {
    ExitInfo info;
    info.kind = kind;
    info.code = code;
    return classify(info);
  };
  EXPECT_EQ(exit(exit_kind::kUnregistered, 0), ExitClass::requested);
  EXPECT_EQ(exit(exit_kind::kUnregisteredByKernel, exit_kind::kCodeCgroupOffline),
            ExitClass::cgroup_removed);
  EXPECT_EQ(exit(exit_kind::kUnregisteredByKernel, exit_kind::kCodeHotplug), ExitClass::failed);
  EXPECT_EQ(
      exit(exit_kind::kUnregisteredByKernel, exit_kind::kCodeHotplug | exit_kind::kCodeRestart),
      ExitClass::restart);
  EXPECT_EQ(exit(exit_kind::kParentExited, 0), ExitClass::with_parent);
  EXPECT_EQ(exit(exit_kind::kKilledByParent, 0), ExitClass::killed);
  EXPECT_EQ(exit(exit_kind::kError + 2, 0), ExitClass::failed);
  EXPECT_EQ(exit(exit_kind::kNone, 0), ExitClass::failed);
}

TEST(Exits, EveryKindHasItsWords) {
  const auto words = [](std::uint32_t kind, std::string reason = {}) {
    return describe(
        {.kind = kind, .code = 0, .reason = std::move(reason), .message = {}, .dump = {}});
  };
  EXPECT_EQ(words(exit_kind::kKilledByParent), "ended by the scheduler above it");
  EXPECT_EQ(words(exit_kind::kKilledByParent, "<UNKNOWN>"), "ended by the scheduler above it");
  EXPECT_EQ(words(exit_kind::kStall, "runnable task stall"), "runnable task stall");
  for (const auto kind :
       {exit_kind::kDone, exit_kind::kUnregistered, exit_kind::kUnregisteredByBpf,
        exit_kind::kUnregisteredByKernel, exit_kind::kSysrq, exit_kind::kParentExited,
        exit_kind::kError, exit_kind::kErrorOfBpf, exit_kind::kStall,
        exit_kind::kReenqueuedTooOften, exit_kind::kRescuedInVain})
    EXPECT_EQ(words(kind).find("kind"), std::string::npos) << kind;
  EXPECT_EQ(words(2000), "exit kind 2000");
}

TEST(Exits, DescriptionNamesReasonAndMessage) {
  const ExitInfo exit{.kind = 1026,
                      .code = 0,
                      .reason = "runnable task stall",
                      .message = "db[77] did not run for 5 s",
                      .dump = {}};
  EXPECT_EQ(describe(exit), "runnable task stall: db[77] did not run for 5 s");
}

}  // namespace
}  // namespace fief
