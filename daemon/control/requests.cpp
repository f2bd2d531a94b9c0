// SPDX-License-Identifier: GPL-2.0-only
// Changes that people ask for while the daemon runs. Each is tried on a copy of the policy first;
// what proves good is written where it is to outlive the daemon, adopted, and answered once the
// kernel has been observed to follow.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "control/controller.hpp"
#include "control/planning.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"

namespace fief {
namespace {

tl::unexpected<Error> nothing_called(const std::string& subject) {
  return fail(Errc::not_found, "the policy has no delegation with the name or cgroup \"{}\"",
              subject);
}

// What failed before need not fail again.
bool is_new_chance(const DelegationChange& change) {
  return change.keys.empty() || change.keys.contains("scheduler") ||
         change.keys.contains("options") || change.keys.contains("enabled");
}

// As planned, whoever is not ready yet for reasons of its own.
Status always() {
  return {};
}

}  // namespace

// A pattern goes by its name alone.
std::optional<Controller::Subject> Controller::find_subject(const std::string& subject) const {
  if (const auto* delegation = find_delegation(policy_, subject))
    return Subject{delegation->name, delegation->cgroup};
  for (const auto& pattern : resolver_.written().patterns)
    if (pattern.delegation.name == subject)
      return Subject{subject, {}};
  return std::nullopt;
}

void Controller::change(const ChangeRequest& request, Done done) {
  const auto subject = find_subject(request.subject);
  if (!subject)
    return done(nothing_called(request.subject));
  put_in_force({.name = subject->name, .keys = request.keys}, request, *subject, std::move(done));
}

void Controller::attach(const ChangeRequest& request, Done done) {
  const auto* known = find_delegation(policy_, request.subject);
  if (known == nullptr && !request.subject.starts_with('/'))
    return done(nothing_called(request.subject));
  const auto path = known != nullptr ? known->cgroup : request.subject;
  DelegationChange change{.name = known != nullptr ? known->name : path, .keys = request.keys};
  if (known == nullptr)
    change.keys.emplace("cgroup", path);
  if (known == nullptr || !is_enabled(*known))
    change.keys.emplace("enabled", true);
  if (const auto free = check_can_attach(path); !free)
    return done(free);
  put_in_force(change, request, {change.name, path}, std::move(done));
}

void Controller::detach(const ChangeRequest& request, Done done) {
  const auto known = find_subject(request.subject);
  if (!known) {
    const auto* observed = observed_at(request.subject);
    if (observed != nullptr && observed->cgroup != kSelf)
      return done(fail(Errc::busy,
                       "the scheduler of {} was attached by somebody else, who alone can detach "
                       "it; \"fiefctl kill\" ends it",
                       request.subject));
    return done(nothing_called(request.subject));
  }
  put_in_force({.name = known->name, .keys = {{"enabled", false}}}, request, *known,
               std::move(done));
}

void Controller::revert(const std::string& subject, Done done) {
  const auto known = find_subject(subject);
  if (!known)
    return done(nothing_called(subject));
  auto candidate = present_drop_in(known->name).and_then([&](DropIn drop_in) {
    return reverted(layers_, known->name, std::move(drop_in));
  });
  adopt_candidate(candidate, *known, /*new_chance=*/true, std::move(done));
}

void Controller::put_in_force(const DelegationChange& change, const ChangeRequest& request,
                              const Subject& subject, Done done) {
  if (change.keys.empty()) {
    children_.forgive(subject.cgroup);
    return answer_later([this, subject] { return in_force(subject); }, std::move(done));
  }
  auto candidate =
      request.lifetime == Lifetime::until_restart
          ? changed_at_run_time(
                layers_, {.hold = 0, .origin = "run time, " + request.requester, .change = change},
                options_)
          : writable_drop_in(change.name).and_then([&](DropIn drop_in) {
              return changed_for_good(layers_, change, std::move(drop_in), options_);
            });
  adopt_candidate(candidate, subject, is_new_chance(change), std::move(done));
}

void Controller::adopt_candidate(const Result<Candidate>& candidate, const Subject& subject,
                                 bool new_chance, Done done) {
  const auto possible = candidate.and_then([&](const Candidate& made) -> Result<Candidate> {
    const auto status = check_possible(made, subject).and_then([&] { return write(made); });
    return status ? Result<Candidate>(made) : tl::unexpected(status.error());
  });
  if (!possible)
    return done(tl::unexpected(possible.error()));
  adopt(possible->layers, possible->policy);
  if (possible->drop_in)
    keep_policy();
  if (new_chance)
    for (const auto& delegation : policy_.delegations)
      if (is_about(subject, delegation))
        children_.forgive(delegation.cgroup);
  answer_later([this, subject] { return in_force(subject); }, std::move(done));
}

Status Controller::check_possible(const Candidate& candidate, const Subject& subject) const {
  for (const auto& delegation : resolve(candidate.policy, watcher_.tree()).delegations)
    if (is_about(subject, delegation))
      if (const auto found = kernel_.find_scheduler(delegation.scheduler); !found)
        return found;
  return check_feasible(candidate.policy);
}

// What the daemon may not write is no want of privileges of whoever asks.
Status Controller::write(const Candidate& candidate) const {
  if (!candidate.drop_in)
    return {};
  const auto& path = candidate.drop_in->path;
  const auto written =
      config_.drop_ins->write(path.substr(path.rfind('/') + 1), candidate.drop_in->text);
  if (!written)
    return fail(Errc::io, "nothing is changed, since it cannot be kept: {}",
                written.error().message);
  return {};
}

// The text on disk counts: somebody may have edited it since.
Result<DropIn> Controller::present_drop_in(const std::string& delegation) const {
  if (!config_.drop_ins)
    return DropIn{};
  const auto name = drop_in_name(delegation);
  const auto path = config_.drop_ins->path(name);
  auto text = config_.drop_ins->read(name);
  if (!text)
    return fail(Errc::io, "{}: {}", path, text.error().message);
  return DropIn{path, std::move(*text)};
}

Result<DropIn> Controller::writable_drop_in(const std::string& delegation) const {
  if (!config_.drop_ins)
    return fail(Errc::unsupported,
                "the daemon was started with policy files of its own, so only changes until its "
                "restart are possible (fiefctl: --runtime)");
  return present_drop_in(delegation);
}

Status Controller::check_can_attach(const std::string& path) const {
  if (watcher_.tree().find(path) == nullptr)
    return fail(Errc::not_found, "there is no cgroup {}", path);
  const auto* observed = observed_at(path);
  if (observed != nullptr && observed->foreign)
    return fail(Errc::busy, "{} has a scheduler already, {}, which somebody else attached", path,
                observed->name);
  return {};
}

const ObservedScheduler* Controller::observed_at(const std::string& path) const {
  const auto* node = watcher_.tree().find(path);
  return node == nullptr ? nullptr : observation_.find(node->id);
}

void Controller::boost(std::uint64_t hold, const ChangeRequest& request, Done done) {
  const auto subject = find_subject(request.subject);
  if (!subject)
    return done(nothing_called(request.subject));
  const auto candidate =
      changed_at_run_time(layers_,
                          {.hold = hold,
                           .origin = "boost, " + request.requester,
                           .change = {.name = subject->name, .keys = request.keys}},
                          options_);
  adopt_candidate(candidate, *subject, /*new_chance=*/false, std::move(done));
}

// What was in force before cannot be refused; if it is not feasible any more, the plan says so.
void Controller::release(std::uint64_t hold) {
  const auto before = released(layers_, hold);
  if (!before) {
    log::error({}, "a boost ends, but its place cannot be taken: {}", before.error().message);
    return;
  }
  adopt(before->layers, before->policy);
  ask_for_turn();
}

void Controller::kill(const std::string& subject, const std::string& reason, Done done) {
  const auto* known = find_delegation(policy_, subject);
  const auto path = known != nullptr ? known->cgroup : subject;
  const auto* observed = observed_at(path);
  if (observed == nullptr || observed->cgroup == kSelf)
    return done(fail(Errc::not_found, "no scheduler is attached to \"{}\"", path));
  const auto* parent = observation_.find(observed->parent);
  if (parent != nullptr && parent->foreign)
    return done(fail(
        Errc::unsupported,
        "the scheduler of {} stands below one of somebody else's, which alone can end it", path));
  const auto cgroup = observed->cgroup;
  if (const auto killed = kernel_.kill(cgroup, reason); !killed)
    return done(killed);
  answer_later(always, std::move(done), cgroup);
}

void Controller::replan(bool from_scratch, Done done) {
  if (const auto reread = watcher_.reread(); !reread)
    return done(tl::unexpected(reread.error()));
  from_scratch_ = from_scratch_ || from_scratch;
  answer_later(always, std::move(done));
}

// In a turn of its own, so that the answer is on its way before everything ends.
void Controller::leave(Done done) {
  const auto left = kernel_.leave();
  phase_ = Phase::stopped;
  timer_.cancel();
  done(left);
  boost::asio::post(io_, [this] { hooks_.left(); });
}

void Controller::answer_later(std::function<Status()> outcome, Done done,
                              std::optional<CgroupId> leaving) {
  if (phase_ == Phase::stopped)
    return done(fail(Errc::stale, "the daemon is stopping"));
  pending_.push_back({.deadline = std::chrono::steady_clock::now() + config_.reload_timeout,
                      .leaving = leaving,
                      .outcome = std::move(outcome),
                      .done = std::move(done)});
  ask_for_turn();
}

// Seen once to be gone is enough: another may stand there before everything is settled.
void Controller::note_departures() {
  for (auto& request : pending_)
    if (request.leaving && observation_.find(*request.leaving) == nullptr)
      request.leaving.reset();
}

bool Controller::is_leaving_awaited() const {
  return std::ranges::any_of(pending_,
                             [](const Pending& request) { return request.leaving.has_value(); });
}

// Nothing is under way: whoever waits for no departure gets an answer.
void Controller::answer_settled() {
  auto answered = std::exchange(pending_, {});
  const auto waiting = std::ranges::stable_partition(
      answered, [](const Pending& request) { return !request.leaving; });
  pending_.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
  answered.erase(waiting.begin(), waiting.end());
  for (auto& request : answered)
    request.done(request.outcome());
}

void Controller::answer_expired() {
  while (!pending_.empty() && turn_began_ >= pending_.front().deadline) {
    const auto request = std::move(pending_.front());
    pending_.erase(pending_.begin());
    request.done(fail(Errc::stale, "the change is accepted, but the kernel does not hold it yet"));
  }
}

void Controller::answer_all(const Status& outcome) {
  for (auto& request : std::exchange(pending_, {}))
    request.done(outcome);
}

// Whether what @p subject means is as it should be.
Status Controller::in_force(const Subject& subject) const {
  return all_in_force(
      [&subject](const Delegation& delegation) { return is_about(subject, delegation); });
}

Status Controller::delegations_in_force() const {
  return all_in_force([](const Delegation& /*any*/) { return true; });
}

// What is not there can be nothing else.
Status Controller::all_in_force(const std::function<bool(const Delegation&)>& is_meant) const {
  for (const auto& delegation : policy_.delegations) {
    if (!is_meant(delegation) || watcher_.tree().find(delegation.cgroup) == nullptr)
      continue;
    const auto state = children_.state(delegation);
    if (state == SchedulerState::backing_off || state == SchedulerState::quarantined)
      return fail(Errc::kernel,
                  "{} has no scheduler of its own: {}; \"fiefctl revert {}\" takes a change back",
                  delegation.cgroup, children_.last_error(delegation), delegation.name);
  }
  return {};
}

bool Controller::is_about(const Subject& subject, const Delegation& delegation) {
  return subject.cgroup.empty() ? delegation.pattern == subject.name
                                : delegation.cgroup == subject.cgroup;
}

bool Controller::is_enabled(const Delegation& delegation) const {
  return std::ranges::any_of(policy_.delegations, [&delegation](const Delegation& enabled) {
    return &enabled == &delegation;
  });
}

}  // namespace fief
