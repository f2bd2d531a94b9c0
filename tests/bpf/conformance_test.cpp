// SPDX-License-Identifier: GPL-2.0-only
// The model kernel is held to the real one: the same random grants and revokes run on both, and
// results and caps must agree after every step.
#include <random>

#include "real_kernel.hpp"
#include "support/model_kernel.hpp"

namespace fief::test {
namespace {

constexpr int kSteps = 200;

HeldCaps held_by(const Observation& observation, CgroupId cgroup) {
  const auto* found = observation.find(cgroup);
  EXPECT_NE(found, nullptr);
  return found == nullptr ? HeldCaps{} : found->held;
}

GrantOp random_op(std::mt19937& random, const std::vector<CgroupId>& children,
                  std::uint32_t nr_cids) {
  GrantOp op;
  op.kind = random() % 2 == 0 ? FIEF_OP_GRANT : FIEF_OP_REVOKE;
  op.child = children[random() % children.size()];
  op.caps = static_cast<std::uint32_t>(random() % FIEF_CAPS_ALL) + 1;
  for (std::uint32_t cid = 0; cid < nr_cids; ++cid)
    if (random() % 3 == 0)
      op.cids.insert(Cid{cid});
  return op;
}

TEST_F(RealKernel, ModelAgreesOnEveryStep) {
  TestCgroup a("fief-test-a");
  TestCgroup b("fief-test-b");
  load_root();
  attach(a);
  attach(b);
  ModelKernel model(kernel_->topology(), [](const std::function<void()>& run) { run(); });
  model.load_root({}, [](const Status& status) { ASSERT_TRUE(status); });
  for (const auto* cgroup : {&a, &b}) {
    model.add_cgroup(cgroup->id(), cgroup->path());
    model.attach({cgroup->id(), cgroup->path(), "fair", {}},
                 [](const Status& status) { ASSERT_TRUE(status); });
  }
  const auto level = level_of(kernel_->topology(), {{a.id(), {}}, {b.id(), {}}});
  // What a child has before its first plan is its scheduler's own business.
  for (const auto* cgroup : {&a, &b})
    ASSERT_TRUE(kernel_->apply(
        level, {{FIEF_OP_REVOKE, cgroup->id(), FIEF_CAPS_ALL, kernel_->topology().online()}},
        ++plan_number_));
  const std::vector children{a.id(), b.id(), CgroupId{1U << 30U}};
  std::mt19937 random(20260731);
  for (int step = 0; step < kSteps; ++step) {
    const auto op = random_op(random, children, kernel_->topology().nr_cids());
    const auto real = kernel_->apply(level, {op}, ++plan_number_);
    const auto modelled = model.apply(level, {op}, plan_number_);
    ASSERT_TRUE(real && modelled);
    ASSERT_EQ(real->size(), modelled->size()) << "step " << step;
    if (!real->empty()) {
      EXPECT_EQ(real->front().error, modelled->front().error);
      EXPECT_EQ(real->front().refused, modelled->front().refused);
    }
    const auto now = kernel_->observe();
    const auto wanted = model.observe();
    ASSERT_TRUE(now && wanted);
    for (const auto child : {a.id(), b.id()}) {
      ASSERT_EQ(held_by(*now, child), held_by(*wanted, child)) << "step " << step;
      ASSERT_EQ(held_by(*now, child).enq(), sysfs_caps(child, "enq")) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace fief::test
