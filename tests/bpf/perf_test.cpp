// SPDX-License-Identifier: GPL-2.0-only
// The performance level of CPUs, as the kernel's governor sees it: asked for by who was granted
// PERF, and at full speed for all others.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <filesystem>

#include "real_kernel.hpp"

namespace fief::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kFullSpeed = 1024;  // SCX_CPUPERF_ONE

/// What schedutil has been told to aim at (tests/bpf/objects/perf_target.bpf.c).
class PerfTargets {
 public:
  PerfTargets() {
    const auto object =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "objects/perf_target.bpf.o";
    object_.reset(bpf_object__open_file(object.c_str(), nullptr));
    if (object_ == nullptr || bpf_object__load(object_.get()) != 0)
      throw std::runtime_error("cannot load " + object.string());
    program_ = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "perf_target"));
  }

  /// 0 if it cannot be read.
  [[nodiscard]] std::uint32_t of(std::uint32_t cpu) const {
    std::array<std::uint32_t, 2> arguments{cpu, 0};
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments.data(),
                .ctx_size_in = sizeof(arguments));
    return bpf_prog_test_run_opts(program_, &options) == 0 ? arguments[1] : 0;
  }

 private:
  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::unique_ptr<bpf_object, Close> object_;
  int program_ = -1;
};

class Perf : public RealKernel {
 protected:
  void attach_slow(const TestCgroup& cgroup) {
    ASSERT_TRUE(try_attach(cgroup, "fair", {{"perf_percent", std::int64_t{50}}}));
  }

  [[nodiscard]] std::uint32_t cpu_of(int cid) const {
    return kernel_->topology().cids[static_cast<std::size_t>(cid)].cpu;
  }

  void expect_targets(std::uint32_t cid0, std::uint32_t cid1) {
    wait_until(
        "the targets " + std::to_string(cid0) + " and " + std::to_string(cid1),
        [&] { return targets_.of(cpu_of(0)) == cid0 && targets_.of(cpu_of(1)) == cid1; }, 5s);
  }

  LevelPlan with_perf(const TestCgroup& cgroup, CidSet cids) {
    auto level = level_of(kernel_->topology(), {{cgroup.id(), std::move(cids)}});
    level.participants[1].perf = true;
    return level;
  }

 private:
  PerfTargets targets_;
};

TEST_F(Perf, ASlowChildSlowsDownItsOwnCpusForAsLongAsTheyAreItsOwn) {
  const TestCgroup a("fief-test-a");
  load_root();
  attach_slow(a);
  apply(level_of(kernel_->topology(), {{a.id(), {0, 1}}}));
  expect_targets(kFullSpeed, kFullSpeed);
  apply(with_perf(a, {0, 1}));
  EXPECT_EQ(sysfs_caps(a.id(), "perf").to_string(), "0-1");
  expect_targets(kFullSpeed / 2, kFullSpeed / 2);
  apply(with_perf(a, {1}));
  expect_targets(kFullSpeed, kFullSpeed / 2);
  ASSERT_TRUE(kernel_->detach(a.id()));
  expect_targets(kFullSpeed, kFullSpeed);
}

TEST_F(Perf, AnImpossibleSpeedIsRefused) {
  const TestCgroup a("fief-test-a");
  load_root();
  EXPECT_FALSE(try_attach(a, "fair", {{"perf_percent", std::int64_t{0}}}));
  EXPECT_FALSE(try_attach(a, "fair", {{"perf_percent", std::int64_t{101}}}));
  EXPECT_EQ(sysfs_state(), "enabled");
}

}  // namespace
}  // namespace fief::test
