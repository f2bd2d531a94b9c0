// SPDX-License-Identifier: GPL-2.0-only
// Tenants, a pattern's cgroups and an administrator at random, over the model kernel: nobody's
// promise is less because of somebody below or beside, an administrator is never refused for
// another's sake, and the machine is never degraded by a tenant.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "control_world.hpp"

namespace fief::test {
namespace {

using ::testing::IsEmpty;

constexpr int kSteps = 1500;
constexpr int kPods = 30;
constexpr char kDb[] = R"({"cgroup": "/db", "exclusive": true, "min_cpus": 3})";

class PromisesProperty : public World {
 protected:
  void SetUp() override {
    for (const auto* path : {"/db", "/web", "/l", "/u", "/pods"})
      make(path);
    for (const auto& path : tenants_paths())
      make_tenants(path);
    set_policy(text());
    start();
  }

  static std::vector<std::string> tenants_paths() {
    return {"/l/a", "/l/b", "/l/c", "/l/d", "/u/a", "/u/b"};
  }

  // Whatever the administrator does of this is possible, and so must always be done.
  [[nodiscard]] std::string text() const {
    return policy_of(
        {kDb, fmt::format(R"({{"cgroup": "/web", "min_cpus": {}}})", web_min_),
         fmt::format(R"({{"cgroup": "/l", "tenants": {}, "weight": {}}})", room_, landlord_weight_),
         R"({"cgroup": "/u", "tenants": 1})",
         fmt::format(R"({{"name": "pods", "cgroup_glob": "/pods/*",
                                       "min_cpus": {}}})",
                     pod_min_)});
  }

  int upto(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
  template <class T>
  const T& any_of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(upto(static_cast<int>(all.size()) - 1))];
  }

  void make_tenants(const std::string& path) {
    make(path);
    cgroups_.become(path, "cpuset.cpus.effective", "0-7\n");
    owners_[path] = 1000 + static_cast<uid_t>(upto(1));
    there_.insert(path);
  }

  ChangedKeys wish() {
    const std::vector<std::string> placements{"pack",     "spread",   "cpus:0",   "cpus:4",
                                              "cpus:6-7", "near:/db", "near:/web"};
    switch (upto(5)) {
      case 0:
        return {{"weight", std::int64_t{1 + upto(9999)}}};
      case 1:
        return {{"min_cpus", 0.25 * upto(12)}};
      case 2:
        return {{"max_cpus", 0.25 * (1 + upto(12))}};
      case 3:
        return {{"exclusive", upto(1) == 1}};
      case 4:
        return {{"smt", std::string(upto(1) == 1 ? "split" : "together")}};
      default:
        return {{"placement", any_of(placements)}};
    }
  }

  void ask_as_tenant(const std::string& path) {
    const OwnersWish asks{path, wish(), Lifetime::until_restart};
    if (!controller_->check_tenant(asks, owners_[path]))
      return;
    const auto asked = upto(5);
    acts_ += fmt::format("\n tenant {} {}", path, asked);
    for (const auto& [key, value] : asks.keys)
      acts_ += " " + to_policy_text({path, {{key, value}}});
    (void)perform(operation(asked, asks), {.uid = owners_[path], .is_tenant = true});
  }

  static Operation operation(int asked, const OwnersWish& wish) {
    if (asked == 0)
      return Detach{wish.subject, wish.lifetime};
    if (asked == 1)
      return Revert{wish.subject};
    if (asked < 4)
      return Set{wish.subject, wish.keys, wish.lifetime};
    return Attach{wish.subject, wish.keys, wish.lifetime};
  }

  void tenant_acts() {
    const auto before = dues();
    const auto kept = unharmed();
    const auto path = any_of(tenants_paths());
    if (!there_.contains(path))
      return make_tenants(path);
    ask_as_tenant(path);
    settle_down();
    EXPECT_EQ(dues(), before) << "others are due the same" << acts_;
    for (const auto& name : kept)
      EXPECT_TRUE(name == path || view(name).last_error.empty()) << name << acts_;
  }

  void owner_acts() {
    const auto path = any_of(tenants_paths());
    if (!there_.contains(path))
      return;
    acts_ += "\n owner " + path;
    switch (upto(2)) {
      case 0:
        remove(path);
        there_.erase(path);
        break;
      case 1:
        owners_[path] = 1000 + static_cast<uid_t>(upto(1));
        break;
      default:
        const std::vector<std::string> sets{"0", "3", "0-7", "6-7", "0-7"};
        cgroups_.become(path, "cpuset.cpus.effective", any_of(sets) + "\n");
        cgroups_.write(path, "cpuset.cpus", "0-7\n");
    }
  }

  void pods_act() {
    const auto path = fmt::format("/pods/p{}", upto(kPods - 1));
    acts_ += "\n pod " + path;
    if (there_.erase(path) != 0)
      return remove(path);
    make(path, static_cast<std::uint32_t>(1 + upto(999)));
    there_.insert(path);
  }

  Operation administrators(int act) {
    const auto set = [](const std::string& subject, ChangedKeys keys) {
      return Set{subject, std::move(keys), Lifetime::until_restart};
    };
    switch (act) {
      case 0:
        web_min_ = upto(2);
        room_ = 1 + upto(3);
        pod_min_ = 0.5 * upto(2);
        landlord_weight_ = 1 + upto(999);
        set_policy(text());
        return Reload{};
      case 1:
        return set("/web", {{"weight", std::int64_t{1 + upto(999)}}});
      case 2:
        return set("/l", {{"max_cpus", 0.5 + upto(4)}});
      case 3:
        return Boost{.subject = "/web", .keys = {{"weight", 2000}}, .reason = "", .hold = 7};
      case 4:
        return Detach{"/web", Lifetime::until_restart};
      case 5:
        return Attach{"/web", {}, Lifetime::until_restart};
      default:
        controller_->release(7);
        return set("/db", {{"weight", std::int64_t{1 + upto(999)}}});
    }
  }

  void administrator_acts() {
    const auto act = upto(6);
    acts_ += fmt::format("\n administrator {}", act);
    const auto outcome = perform(administrators(act));
    EXPECT_TRUE(outcome) << outcome.error().message << acts_;
  }

  static std::set<std::string> pods_of(const StatusView& shown) {
    std::set<std::string> pods;
    for (const auto& one : shown.schedulers)
      if (one.path.starts_with("/pods/"))
        pods.insert(one.path);
    return pods;
  }

  [[nodiscard]] std::set<std::string> pods_there() const {
    auto pods = there_;
    std::erase_if(pods, [](const std::string& path) { return !path.starts_with("/pods/"); });
    return pods;
  }

  // Until what came and went is known, and nothing is under way any more.
  void settle_down() {
    settle();
    const auto is_done = [this] {
      const auto shown = controller_->status(Figures::read);
      return pods_of(shown) == pods_there() && shown.as_planned &&
             std::ranges::none_of(shown.schedulers, [](const auto& one) {
               return one.state == SchedulerState::attaching ||
                      (one.state == SchedulerState::waiting && one.cgroup != kSelf &&
                       one.last_error.empty());
             });
    };
    wait_until("nothing is under way" + acts_, is_done);
  }

  // What those are due who stand beside the landlords, and the landlords.
  std::map<std::string, CpuTime> dues() {
    std::map<std::string, CpuTime> due;
    for (const auto& one : controller_->status(Figures::read).schedulers)
      if (!one.path.starts_with("/l/") && !one.path.starts_with("/u/"))
        due.emplace(one.path, one.entitlement.cpus);
    return due;
  }

  std::set<std::string> unharmed() {
    std::set<std::string> names;
    for (const auto& one : controller_->status(Figures::read).schedulers)
      if (one.last_error.empty() && one.cgroup != kSelf)
        names.insert(one.path);
    return names;
  }

  void expect_promises_are_kept() {
    const auto shown = controller_->status(Figures::read);
    EXPECT_EQ(shown.state, "running") << acts_;
    EXPECT_THAT(shown.schedulers.front().last_error, IsEmpty()) << acts_;
    EXPECT_GE(owned("/db"), 3U) << acts_;
    const auto web = view("/web");
    EXPECT_TRUE(web.state != SchedulerState::attached ||
                web.entitlement.cpus >= static_cast<CpuTime>(web_min_) * kCpuUnit)
        << acts_;
  }

  void step() {
    switch (upto(7)) {
      case 0:
        administrator_acts();
        break;
      case 1:
        owner_acts();
        break;
      case 2:
      case 3:
        pods_act();
        break;
      default:
        tenant_acts();
    }
    settle_down();
    expect_promises_are_kept();
  }

  std::mt19937 random_;
  std::set<std::string> there_;
  std::string acts_;
  int web_min_ = 1;
  int room_ = 3;
  int landlord_weight_ = 100;
  double pod_min_ = 0;
};

TEST_F(PromisesProperty, HoldWhateverOthersDo) {
  const auto* given = std::getenv("FIEF_SEED");
  const auto seed = given == nullptr ? 7U : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  random_.seed(seed);
  for (int i = 0; i < kSteps && !HasFailure(); ++i) {
    if (i % 20 == 0)
      acts_ = fmt::format("\nseed {}, after {} steps:", seed, i);
    step();
    records_.clear();
  }
}

}  // namespace
}  // namespace fief::test
