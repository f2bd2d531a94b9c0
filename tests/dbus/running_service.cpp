// SPDX-License-Identifier: GPL-2.0-only
#include "dbus/running_service.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <boost/asio/post.hpp>
#include <ctime>
#include <future>

#include "core/overloaded.hpp"
#include "core/thread_time.hpp"
#include "dbus/client.hpp"
#include "status/plan_document.hpp"

namespace fief::test {
namespace {

SchedulerView scheduler(CgroupId cgroup, std::string path, std::uint32_t weight,
                        const CidSet& exclusive, SharedCids shared) {
  SchedulerView view;
  view.cgroup = cgroup;
  view.path = std::move(path);
  view.scheduler = "fair";
  view.state = SchedulerState::attached;
  view.weight = weight;
  view.planned_exclusive = exclusive;
  view.planned_shared = std::move(shared);
  view.entitlement.cpus = exclusive.size() * kCpuUnit;
  view.held.by_cap = {exclusive, exclusive, exclusive, CidSet{}};
  for (const auto& part : view.planned_shared) {
    view.entitlement.cpus += part.fraction;
    view.held.by_cap[0].insert(part.cid);
  }
  view.as_planned = true;
  return view;
}

// "change db [weight=300] persistent by uid 0": what arrived and who asked.
std::string describe(std::string_view what, const Operation& operation,
                     const Requester& requester) {
  const auto wish = owners_wish(operation).value();
  return fmt::format("{} {} [{}] {} by {} {}", what, wish.subject, to_text(wish.keys),
                     wish.lifetime == Lifetime::persistent ? "persistent" : "until-restart",
                     requester.is_tenant ? "tenant" : "uid", requester.uid);
}

std::string describe(const Operation& operation, const Requester& requester) {
  const auto told = [&](std::string_view what) { return describe(what, operation, requester); };
  return std::visit(
      Overloaded{[&](const Set&) { return told("change"); },
                 [&](const Attach&) { return told("attach"); },
                 [&](const Detach&) { return told("detach"); },
                 [&](const Boost& boost) { return told(fmt::format("boost {}", boost.hold)); },
                 [](const Revert& revert) { return "revert " + revert.subject; },
                 [&](const Kill& kill) {
                   return "kill " + kill.subject + ": " + reason_of(kill, requester);
                 },
                 [](const Reload&) { return std::string("reload"); },
                 [](const Replan& replan) {
                   return std::string(replan.from_scratch ? "replan from scratch" : "replan");
                 },
                 [](const Leave&) { return std::string("leave"); },
                 [](const SetLogLevel& set) { return "log from " + set.name; }},
      operation);
}

}  // namespace

StatusView demo_status() {
  StatusView status;
  status.version = FIEF_VERSION;
  status.state = "running";
  status.plan_number = 7;
  status.nr_cpus = 8;
  status.as_planned = true;
  status.policy_file = "/etc/fief/policy.json";
  const auto half = kCpuUnit / 2;
  status.schedulers = {
      scheduler(kSelf, "/", 0, CidSet{0}, {{Cid{1}, half}}),
      scheduler(CgroupId{4711}, "/demo.slice/a.service", 100, CidSet{2, 3, 4}, {{Cid{1}, half}}),
      scheduler(CgroupId{4712}, "/demo.slice/b.service", 100, CidSet{5, 6, 7}, {})};
  status.schedulers[0].scheduler = "root";
  status.schedulers[1].delegation = "a";
  status.schedulers[2].delegation = "b";
  for (auto& view : status.schedulers)
    view.usage_usec = 1'000'000 + view.cgroup.value;
  return status;
}

ShownPolicy demo_policy() {
  return {.root = {{.key = "min_cpus", .value = 2.5, .file = "/etc/fief/policy.json", .line = 3}},
          .delegations = {{.name = "a",
                           .values = {{.key = "weight", .value = {}, .file = {}},
                                      {.key = "cgroup",
                                       .value = std::string("/demo.slice/a.service"),
                                       .file = "/etc/fief/policy.json",
                                       .line = 4}}}}};
}

StatusView StateBackend::status(Figures figures) const {
  ++status_calls;
  figure_reads += figures == Figures::read ? 1 : 0;
  return state;
}

void StateBackend::perform(const Operation& operation, const Requester& requester, Done done) {
  reload_calls += std::holds_alternative<Reload>(operation) ? 1 : 0;
  if (const auto* level = std::get_if<SetLogLevel>(&operation)) {
    log::set_level(level->level);
    return done({});
  }
  record(describe(operation, requester), std::move(done));
}

Status StateBackend::check_tenant(const OwnersWish& wish, uid_t uid) const {
  if (tenant == uid && wish.subject.starts_with('/'))
    return {};
  return fail(Errc::denied, "{} is not for uid {}", wish.subject, uid);
}

void StateBackend::release(std::uint64_t hold) {
  requests.push_back(fmt::format("release {}", hold));
}

// The machine alone: what is planned is not this backend's business.
std::string StateBackend::plan() const {
  return to_json(parse_topology_spec("1x1x8x1").value(),
                 CgroupTree{{CgroupNode{.id = CgroupId{1}, .path = "/"}}}, {});
}

Result<ExplanationTexts> StateBackend::preview_reload() const {
  if (!outcome)
    return tl::unexpected(outcome.error());
  return ExplanationTexts{"nothing changes\n", R"({"schema":1})"};
}

Result<ExplanationTexts> StateBackend::explain(const std::string& subject) const {
  if (subject != "a")
    return fail(Errc::not_found, "nothing is called {}", subject);
  return ExplanationTexts{"because\n", R"({"schema":1})"};
}

void StateBackend::record(std::string request, Done done) {
  for (const auto began = thread_time(); thread_time() - began < cost;) {
  }
  requests.push_back(std::move(request));
  if (held != nullptr)
    held->push_back(std::move(done));
  else
    done(outcome);
}

RunningService::RunningService()
    : work_(io_.get_executor()),
      boosts_(io_, backend_),
      service_(io_, backend_, boosts_, budget_),
      varlink_(io_, backend_, boosts_, budget_, socket_),
      thread_([this] { io_.run(); }) {
  on_loop([this](StateBackend&, Service& service) {
    service.start();
    const auto listening = varlink_.start();
    EXPECT_TRUE(listening) << listening.error().message;
  });
  wait_for_name(dbus::kService);
}

RunningService::~RunningService() {
  on_loop([this](StateBackend&, Service& service) {
    service.stop();
    varlink_.stop();
  });
  work_.reset();
  thread_.join();
}

void RunningService::on_loop(const std::function<void(StateBackend&, Service&)>& work) {
  std::promise<void> done;
  boost::asio::post(io_, [this, &work, &done] {
    work(backend_, service_);
    done.set_value();
  });
  done.get_future().get();
}

std::chrono::nanoseconds RunningService::cpu_time() {
  clockid_t clock{};
  timespec spent{};
  if (::pthread_getcpuclockid(thread_.native_handle(), &clock) != 0 ||
      ::clock_gettime(clock, &spent) != 0)
    return {};
  return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

}  // namespace fief::test
