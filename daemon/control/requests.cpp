// SPDX-License-Identifier: GPL-2.0-only
#include "control/requests.hpp"

#include <algorithm>

#include "core/log.hpp"

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

std::optional<Subject> Requests::find(const std::string& subject) const {
  return find_subject(parts_.policy.written(), parts_.policy.resolved(), subject);
}

void Requests::change(const ChangeRequest& request, Done done) {
  const auto subject = find(request.subject);
  if (!subject)
    return done(nothing_called(request.subject));
  put_in_force({.name = subject->name, .keys = request.keys}, request, *subject, std::move(done));
}

void Requests::attach(const ChangeRequest& request, Done done) {
  const auto* known = find_delegation(parts_.policy.resolved(), request.subject);
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

void Requests::detach(const ChangeRequest& request, Done done) {
  const auto known = find(request.subject);
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

void Requests::revert(const std::string& subject, Done done) {
  const auto known = find(subject);
  if (!known)
    return done(nothing_called(subject));
  adopt(changes_.reverted(known->name), *known, /*new_chance=*/true, std::move(done));
}

void Requests::boost(std::uint64_t hold, const ChangeRequest& request, Done done) {
  const auto subject = find(request.subject);
  if (!subject)
    return done(nothing_called(request.subject));
  adopt(changes_.boosted(hold, {.name = subject->name, .keys = request.keys}, request.requester),
        *subject, /*new_chance=*/false, std::move(done));
}

// What was in force before cannot be refused; if it is not feasible any more, the plan says so.
bool Requests::release(std::uint64_t hold) {
  const auto before = released(parts_.policy.layers(), hold);
  if (!before) {
    log::error({}, "a boost ends, but its place cannot be taken: {}", before.error().message);
    return false;
  }
  parts_.policy.adopt(before->layers, before->policy);
  return true;
}

void Requests::kill(const std::string& subject, const std::string& reason, Done done) {
  const auto* known = find_delegation(parts_.policy.resolved(), subject);
  const auto path = known != nullptr ? known->cgroup : subject;
  const auto* observed = observed_at(path);
  if (observed == nullptr || observed->cgroup == kSelf)
    return done(fail(Errc::not_found, "no scheduler is attached to \"{}\"", path));
  const auto* parent = parts_.reconciler.observation().find(observed->parent);
  if (parent != nullptr && parent->foreign)
    return done(fail(
        Errc::unsupported,
        "the scheduler of {} stands below one of somebody else's, which alone can end it", path));
  const auto cgroup = observed->cgroup;
  if (const auto killed = parts_.kernel.kill(cgroup, reason); !killed)
    return done(killed);
  answer_later_(always, std::move(done), cgroup);
}

void Requests::put_in_force(const DelegationChange& change, const ChangeRequest& request,
                            const Subject& subject, Done done) {
  if (change.keys.empty()) {
    parts_.children.forgive(subject.cgroup);
    return answer_when_in_force(subject, std::move(done));
  }
  adopt(changes_.changed(change, request), subject, is_new_chance(change), std::move(done));
}

void Requests::adopt(const Result<Candidate>& candidate, const Subject& subject, bool new_chance,
                     Done done) {
  const auto possible = candidate.and_then([&](const Candidate& made) -> Result<Candidate> {
    const auto status =
        check_possible(made, subject).and_then([&] { return changes_.write(made); });
    return status ? Result<Candidate>(made) : tl::unexpected(status.error());
  });
  if (!possible)
    return done(tl::unexpected(possible.error()));
  parts_.policy.adopt(possible->layers, possible->policy);
  if (possible->drop_in)
    parts_.policy.keep();
  if (new_chance)
    for (const auto& delegation : parts_.policy.resolved().delegations)
      if (is_about(subject, delegation))
        parts_.children.forgive(delegation.cgroup);
  answer_when_in_force(subject, std::move(done));
}

void Requests::answer_when_in_force(const Subject& subject, Done done) {
  answer_later_(
      [parts = parts_, subject] {
        return in_force(&subject, parts.policy.resolved(), parts.watcher.tree(), parts.children);
      },
      std::move(done), {});
}

Status Requests::check_possible(const Candidate& candidate, const Subject& subject) const {
  for (const auto& delegation : resolve(candidate.policy, parts_.watcher.tree()).delegations)
    if (is_about(subject, delegation))
      if (const auto found = parts_.kernel.find_scheduler(delegation.scheduler); !found)
        return found;
  return parts_.reconciler.check_feasible(candidate.policy);
}

Status Requests::check_can_attach(const std::string& path) const {
  if (parts_.watcher.tree().find(path) == nullptr)
    return fail(Errc::not_found, "there is no cgroup {}", path);
  const auto* observed = observed_at(path);
  if (observed != nullptr && observed->foreign)
    return fail(Errc::busy, "{} has a scheduler already, {}, which somebody else attached", path,
                observed->name);
  return {};
}

const ObservedScheduler* Requests::observed_at(const std::string& path) const {
  const auto* node = parts_.watcher.tree().find(path);
  return node == nullptr ? nullptr : parts_.reconciler.observation().find(node->id);
}

bool Requests::is_enabled(const Delegation& delegation) const {
  return std::ranges::any_of(
      parts_.policy.resolved().delegations,
      [&delegation](const Delegation& enabled) { return &enabled == &delegation; });
}

}  // namespace fief
