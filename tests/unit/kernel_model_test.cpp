// SPDX-License-Identifier: GPL-2.0-only
// The model's cap rules. That they are the kernel's is tests/bpf/conformance_test.cpp's to show.
#include "support/model_kernel.hpp"

#include <gmock/gmock.h>

#include <cerrno>

#include "kernel/exit_kind.hpp"

namespace fief {
namespace {

using ::testing::IsEmpty;

constexpr CgroupId kA{11};
constexpr CgroupId kB{12};
constexpr CgroupId kBelowA{13};

class Model : public ::testing::Test {
 protected:
  Model() {
    kernel_.set_event_sink([this](const Event& event) { events_.push_back(event); });
    kernel_.load_root({}, [](const Status& status) { EXPECT_TRUE(status); });
    kernel_.add_cgroup(kA, "/a");
    kernel_.add_cgroup(kB, "/b");
    kernel_.add_cgroup(kBelowA, "/a/b");
    deliver();
  }

  void deliver() {
    while (!posted_.empty()) {
      auto work = std::exchange(posted_, {});
      for (const auto& run : work)
        run();
    }
  }
  Status attach(CgroupId cgroup) {
    std::optional<Status> outcome;
    kernel_.attach({cgroup, "", "fair", {}},
                   [&outcome](const Status& status) { outcome = status; });
    EXPECT_FALSE(outcome) << "called back from inside the call";
    deliver();
    return outcome.value_or(fail(Errc::io, "never called back"));
  }
  std::vector<RefusedOp> run(CgroupId scheduler, const GrantOp& op) {
    return kernel_.apply({scheduler, {}, {}}, {op}, 1).value();
  }
  HeldCaps held(CgroupId cgroup) {
    const auto observation = kernel_.observe();
    const auto* found = observation->find(cgroup);
    EXPECT_NE(found, nullptr);
    return found == nullptr ? HeldCaps{} : found->held;
  }
  template <class T>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        events_, [](const Event& event) { return event.index() == Event(T{}).index(); }));
  }

  std::vector<std::function<void()>> posted_;
  ModelKernel kernel_{parse_topology_spec("1x2x2x1").value(),
                      [this](std::function<void()> run) { posted_.push_back(std::move(run)); }};
  std::vector<Event> events_;
};

TEST_F(Model, TheRootHoldsAllAndAChildStartsWithNothing) {
  ASSERT_TRUE(attach(kA));
  EXPECT_EQ(held(kSelf).enq(), CidSet::first(4));
  EXPECT_EQ(held(kA), HeldCaps{});
  EXPECT_EQ(count<ChildAttached>(), 1U);
}

TEST_F(Model, AGrantIsLiteralAndPerCap) {
  ASSERT_TRUE(attach(kA));
  EXPECT_THAT(run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAP_ENQ, {1, 2}}), IsEmpty());
  EXPECT_EQ(held(kA).enq(), (CidSet{1, 2}));
  EXPECT_TRUE(held(kA).immed().empty());
}

TEST_F(Model, AGrantIsAllOrNothingForEachCid) {
  ASSERT_TRUE(attach(kA));
  ASSERT_TRUE(attach(kBelowA));
  run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAP_ENQ_IMMED, {0, 1, 2}});
  run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAP_ENQ, {1}});
  const auto refused =
      run(kA, {FIEF_OP_GRANT, kBelowA, FIEF_CAP_ENQ_IMMED | FIEF_CAP_ENQ, {0, 1, 3}});
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].error, EPERM);
  EXPECT_EQ(refused[0].refused, (CidSet{0, 3}));
  EXPECT_EQ(held(kBelowA).immed(), CidSet{1});
  EXPECT_EQ(held(kBelowA).enq(), CidSet{1});
}

TEST_F(Model, ARevokeReachesTheWholeSubtree) {
  ASSERT_TRUE(attach(kA));
  ASSERT_TRUE(attach(kBelowA));
  run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAPS_ALL, {0, 1}});
  run(kA, {FIEF_OP_GRANT, kBelowA, FIEF_CAPS_ALL, {0, 1}});
  run(kSelf, {FIEF_OP_REVOKE, kA, FIEF_CAP_ENQ, {1}});
  EXPECT_EQ(held(kA).enq(), CidSet{0});
  EXPECT_EQ(held(kBelowA).enq(), CidSet{0});
  EXPECT_EQ(held(kBelowA).immed(), (CidSet{0, 1}));
}

TEST_F(Model, AVanishedChildIsNoDevice) {
  const auto refused = run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAP_ENQ, {1}});
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].error, ENODEV);
  EXPECT_THAT(kernel_.violations(), IsEmpty());
}

TEST_F(Model, NamingAnothersChildEjectsTheCaller) {
  ASSERT_TRUE(attach(kA));
  ASSERT_TRUE(attach(kB));
  EXPECT_FALSE(kernel_.apply({kA, {}, {}}, {{FIEF_OP_GRANT, kB, FIEF_CAP_ENQ, {1}}}, 1));
  EXPECT_EQ(kernel_.observe()->find(kA), nullptr);
  EXPECT_NE(kernel_.observe()->find(kB), nullptr);
  EXPECT_EQ(kernel_.violations().size(), 1U);
}

TEST_F(Model, TwoOwnersAreAViolation) {
  ASSERT_TRUE(attach(kA));
  ASSERT_TRUE(attach(kB));
  run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAPS_EXCLUSIVE, {1, 2}});
  run(kSelf, {FIEF_OP_GRANT, kB, FIEF_CAPS_SHARED, {1}});
  EXPECT_THAT(kernel_.violations(), IsEmpty());
  run(kSelf, {FIEF_OP_GRANT, kB, FIEF_CAPS_EXCLUSIVE, {2, 3}});
  EXPECT_EQ(kernel_.violations().size(), 1U);
}

TEST_F(Model, OneSchedulerACgroupAndNoneAboveAnother) {
  ASSERT_TRUE(attach(kBelowA));
  ASSERT_TRUE(kernel_.attach_foreign(kB, "other"));
  EXPECT_EQ(attach(kB).error().code, Errc::busy);
  EXPECT_EQ(attach(kA).error().code, Errc::busy);
  EXPECT_EQ(attach(CgroupId{99}).error().code, Errc::not_found);
}

TEST_F(Model, AReplacementIsLoadedBeforeWhatItReplacesGoes) {
  ASSERT_TRUE(attach(kA));
  run(kSelf, {FIEF_OP_GRANT, kA, FIEF_CAPS_EXCLUSIVE, {1}});
  kernel_.fail_child_loads(1, {Errc::kernel, "the verifier refuses it"});
  EXPECT_FALSE(attach(kA));
  EXPECT_EQ(held(kA).enq(), (CidSet{1}));
  EXPECT_EQ(count<ChildDetached>(), 0U);
  ASSERT_TRUE(attach(kA));
  EXPECT_TRUE(held(kA).enq().empty());
  EXPECT_EQ(count<ChildDetached>(), 1U);
  kernel_.fail_attaches(1, {Errc::kernel, "it gives up in its init"});
  EXPECT_FALSE(attach(kA));
  EXPECT_EQ(kernel_.observe()->find(kA), nullptr);
}

TEST_F(Model, TheRootAndThreeLevelsBelowItAreAll) {
  std::string path;
  for (std::uint64_t level = 1; level <= 4; ++level) {
    path += "/n";
    kernel_.add_cgroup(CgroupId{100 + level}, path);
    EXPECT_EQ(attach(CgroupId{100 + level}).has_value(), level <= 3) << level;
  }
}

TEST_F(Model, AParentTakesItsSubtree) {
  ASSERT_TRUE(attach(kA));
  ASSERT_TRUE(attach(kBelowA));
  ASSERT_TRUE(kernel_.detach(kA));
  deliver();
  EXPECT_EQ(kernel_.observe()->schedulers.size(), 1U);
  EXPECT_EQ(kernel_.exit_info(kBelowA)->kind, exit_kind::kParentExited);
  EXPECT_EQ(kernel_.exit_info(kA)->kind, exit_kind::kUnregistered);
  EXPECT_EQ(count<ChildDetached>(), 2U);
  EXPECT_EQ(count<SchedulerExited>(), 2U);
}

TEST_F(Model, ARemovedCgroupEndsItsScheduler) {
  ASSERT_TRUE(attach(kA));
  kernel_.remove_cgroup(kA);
  EXPECT_EQ(kernel_.observe()->find(kA), nullptr);
  EXPECT_EQ(kernel_.exit_info(kA)->code, exit_kind::kCodeCgroupOffline);
}

TEST_F(Model, LostEventsAreCounted) {
  kernel_.drop_events(true);
  ASSERT_TRUE(attach(kA));
  ASSERT_TRUE(kernel_.attach_foreign(kB, "other"));
  deliver();
  EXPECT_THAT(events_, IsEmpty());
  kernel_.drop_events(false);
  deliver();
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(std::get<EventsDropped>(events_[0]).count, 2U);
}

}  // namespace
}  // namespace fief
