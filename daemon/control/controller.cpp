// SPDX-License-Identifier: GPL-2.0-only
#include "control/controller.hpp"

#include <boost/asio/post.hpp>
#include <random>
#include <utility>

#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "core/overloaded.hpp"

namespace fief {
namespace {

using std::chrono::steady_clock;

std::function<double()> make_jitter() {
  return [random = std::minstd_rand(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<>{}(random);
  };
}

}  // namespace

Controller::Controller(boost::asio::io_context& io, KernelPort& kernel, CgroupWatcher& watcher,
                       ControllerConfig config, ControllerHooks hooks)
    : io_(io),
      kernel_(kernel),
      watcher_(watcher),
      cgroup_mount_(std::move(config.cgroup_mount)),
      hooks_(std::move(hooks)),
      trigger_(io, [this] { turn(); }),
      cgroup_wait_(io, [this] { return look_at_cgroups(); }),
      cgroups_(watcher),
      owner_of_(config.owner_of ? std::move(config.owner_of) : owner_of_directory()),
      policy_(
          {.read = std::move(config.read_policy),
           .names = std::move(config.policy_files),
           .kept = std::move(config.kept),
           .owner_of = owner_of_},
          [&kernel](const std::string& scheduler) { return kernel.options_of(scheduler); },
          watcher),
      children_(kernel, make_jitter()),
      root_(kernel, config.root_restart, make_jitter(), *this),
      answers_(config.reload_timeout),
      announcer_([this](const std::string& text) { hooks_.progress(text); }),
      reconciler_({.kernel = kernel,
                   .watcher = watcher,
                   .cgroups = cgroups_,
                   .policy = policy_,
                   .root = root_,
                   .children = children_,
                   .answers = answers_},
                  {.publish = [this] { publish(); },
                   .settled = [this] { settled(); },
                   .ask = [this] { trigger_.ask(); },
                   .progress = [this](const std::string& text) { hooks_.progress(text); }}),
      requests_(io,
                {.kernel = kernel,
                 .watcher = watcher,
                 .policy = policy_,
                 .children = children_,
                 .reconciler = reconciler_},
                std::move(config.drop_ins),
                [this](std::function<Status()> outcome, Done done, Answers::Awaited awaited) {
                  answer_later(std::move(outcome), std::move(done), std::move(awaited));
                }) {}

void Controller::start() {
  kernel_.set_event_sink([this](const Event& event) { follow(event); });
  cgroup_wait_.start(watcher_.fd());
  policy_.start();
  root_.take_over();
}

void Controller::follow(const Event& event) {
  if (const auto* weight = std::get_if<WeightChanged>(&event))
    reactions_.heard(weight->written, steady_clock::now());
  cgroups_.follow(event);
  trigger_.ask_for_others();
}

Status Controller::stop(Leaving leaving) {
  root_.stop();
  trigger_.disarm();
  cgroup_wait_.stop();
  answers_.answer_all(fail(Errc::stale, "the daemon is stopping"));
  const auto left = leaving == Leaving::for_good ? kernel_.leave() : Status{};
  announcer_.retract("daemon-stopping");
  reconciler_.forget_observation();
  announcer_.changed();
  return left;
}

// In a turn of its own, so that the answer is on its way before everything ends.
void Controller::leave(const Done& done) {
  const auto left = kernel_.leave();
  root_.stop();
  trigger_.disarm();
  done(left);
  boost::asio::post(io_, [this] { hooks_.left(); });
}

PacedWait::Pause Controller::look_at_cgroups() {
  // The kernel's own word comes first: of a weight that was written it says what it is, and no file
  // need be read before the plan holds.
  kernel_.take_events();
  const auto now = steady_clock::now();
  const bool was_lost = cgroups_.is_lost();
  const bool changed = cgroups_.take_in(now);
  if (changed || was_lost != cgroups_.is_lost())
    trigger_.ask_for_others();
  const auto retry_at = cgroups_.retry_at();
  return retry_at ? std::chrono::ceil<PacedWait::Pause>(*retry_at - now) : PacedWait::Pause{};
}

void Controller::turn() {
  const auto now = steady_clock::now();
  reconciler_.begin(now);
  reactions_.begun(now);
  answers_.expire(now);
  if (root_.retry_if_due(now))
    return;
  if (root_.is_running())
    reconciler_.reconcile();
  if (reconciler_.as_planned())
    reactions_.in_force(steady_clock::now());
  if (cgroups_.verify(now))
    trigger_.ask();
  if (!root_.is_stopped())
    arm_trigger();
}

void Controller::arm_trigger() {
  auto due = reconciler_.next_deadline();
  for (const auto& at : {cgroups_.next_deadline(), root_.due(), answers_.next_deadline()})
    if (at && (!due || *at < *due))
      due = at;
  trigger_.arm(due);
}

void Controller::settled() {
  if (root_.note_ready()) {
    publish();
    hooks_.ready();
  }
  answers_.settle();
}

void Controller::publish() {
  const auto reasons = children_.take_reasons();
  announcer_.publish(status(Figures::leave_out), reasons, watcher_.tree());
}

void Controller::answer_later(std::function<Status()> outcome, Done done,
                              Answers::Awaited awaited) {
  if (root_.is_stopped())
    return done(fail(Errc::stale, "the daemon is stopping"));
  answers_.owe(std::move(outcome), std::move(done), std::move(awaited));
  trigger_.ask();
}

void Controller::perform(const Operation& operation, const Requester& requester, Done done) {
  std::visit(Overloaded{[&](const Reload& /*reload*/) { reload(std::move(done)); },
                        [&](const Replan& asked) { replan(asked.from_scratch, std::move(done)); },
                        [&](const Leave& /*leave*/) { leave(done); },
                        [&](const SetLogLevel& asked) {
                          log::set_level(asked.level);
                          done({});
                        },
                        [&](const auto& of_a_delegation) {
                          requests_.perform(of_a_delegation, requester, std::move(done));
                        }},
             operation);
}

void Controller::release(std::uint64_t hold) {
  if (requests_.release(hold))
    trigger_.ask();
}

void Controller::replan(bool from_scratch, Done done) {
  if (const auto reread = watcher_.reread(); !reread)
    return done(tl::unexpected(reread.error()));
  if (from_scratch)
    reconciler_.start_from_scratch();
  answer_later([] { return Status{}; }, std::move(done), all_there_now());
}

// Cgroups that come and go all the time are no reason to keep anybody waiting.
Answers::Awaited Controller::all_there_now() const {
  std::vector<CgroupId> all;
  const auto& cgroups = watcher_.tree();
  for (const auto& delegation : policy_.resolved().delegations)
    if (const auto* node = cgroups.find(delegation.cgroup); node != nullptr)
      all.push_back(node->id);
  for (const auto& scheduler : reconciler_.observation().schedulers)
    if (scheduler.cgroup != kSelf)
      all.push_back(scheduler.cgroup);
  return {.leaving = {},
          .is_in_place = [this, all = std::move(all)] { return reconciler_.is_in_place(all); }};
}

const Options& Controller::wanted_root_options() const {
  return policy_.written().root.options;
}

void Controller::root_loading() {
  hooks_.progress("loading the root scheduler");
}

void Controller::root_adopted(const Adoption& adoption) {
  children_.adopt(adoption.children);
  reconciler_.adopt(adoption.plan);
  policy_.keep();
  const auto count = adoption.children.size();
  log::info({.message_id = message::kAdopted},
            "going on with the root scheduler and {} scheduler{} that an earlier daemon attached",
            count, count == 1 ? "" : "s");
  trigger_.ask();
}

void Controller::root_attached() {
  log::info({.message_id = message::kRootLoaded, .scheduler = "root"},
            "the root scheduler is loaded");
  policy_.root_accepted();
  policy_.keep();
  cgroups_.doubt_cpusets();  // hotplug may be why there is another root
  trigger_.ask();
}

void Controller::root_stays() {
  trigger_.ask();
}

void Controller::root_refused(const std::string& why) {
  policy_.root_refused(why);
}

void Controller::schedulers_gone(std::string_view reason) {
  children_.root_gone(reason);
  reconciler_.forget_schedulers();
}

void Controller::root_lost() {
  publish();
  arm_trigger();
}

void Controller::root_given_up(const Error& why) {
  answers_.answer_all(tl::unexpected(why));
  boost::asio::post(io_, [this, why] { hooks_.failed(why); });
}

}  // namespace fief
