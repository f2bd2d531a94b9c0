// SPDX-License-Identifier: GPL-2.0-only
#include "control/operations/requests.hpp"

#include <algorithm>

#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "policy/find.hpp"

namespace fief {
namespace {

// What failed before need not fail again.
bool is_new_chance(const DelegationChange& change) {
  return change.keys.empty() || change.keys.contains("scheduler") ||
         change.keys.contains("options") || change.keys.contains("enabled");
}

void log_end_of_boost(const PolicyLayers& layers, std::uint64_t hold) {
  for (const auto& change : layers.runtime)
    if (change.hold == hold)
      log::info({.message_id = message::kBoostEnded, .subject = change.change.name},
                "the boost of {} has ended ({})", change.change.name, change.origin);
}

// As planned, whoever is not ready yet for reasons of its own.
Status always() {
  return {};
}

}  // namespace

Requests::Requests(boost::asio::io_context& loop, RequestParts parts,
                   std::optional<DropIns> drop_ins, AnswerLater answer_later)
    : parts_(parts),
      answer_later_(std::move(answer_later)),
      changes_(parts.policy,
               drop_ins ? &writer_.emplace(loop, std::move(*drop_ins)).drop_ins() : nullptr) {}

// A cgroup that has another owner by now is not delegated any more.
std::optional<Subject> Requests::find(const std::string& subject) const {
  parts_.policy.end_tenancies();
  return find_subject(parts_.policy.written(), parts_.policy.resolved(), subject);
}

tl::unexpected<Error> Requests::unknown(const std::string& subject) const {
  return nothing_called(subject, parts_.policy.resolved(), parts_.watcher.tree());
}

void Requests::perform(const Set& set, const Requester& requester, Done done) {
  const auto subject = find(set.subject);
  if (!subject)
    return done(unknown(set.subject));
  put_in_force({.name = subject->name, .keys = set.keys}, {set.lifetime, requester}, *subject,
               std::move(done));
}

void Requests::perform(const Attach& attach, const Requester& requester, Done done) {
  parts_.policy.end_tenancies();
  const auto* known = find_delegation(parts_.policy.resolved(), attach.subject);
  const auto path =
      known != nullptr ? known->cgroup : path_meant(attach.subject, parts_.watcher.tree());
  if (!path.starts_with('/'))
    return done(unknown(attach.subject));
  DelegationChange change{.name = known != nullptr ? known->name : path, .keys = attach.keys};
  if (known == nullptr)
    change.keys.emplace("cgroup", path);
  if (known == nullptr || !is_enabled(*known))
    change.keys.emplace("enabled", true);
  if (const auto free = check_can_attach(path); !free)
    return done(free);
  put_in_force(change, {attach.lifetime, requester}, {change.name, path}, std::move(done));
}

void Requests::perform(const Detach& detach, const Requester& requester, Done done) {
  const auto known = find(detach.subject);
  if (!known) {
    const auto* observed = observed_at(detach.subject);
    if (observed != nullptr && observed->cgroup != kSelf)
      return done(fail(Errc::busy,
                       "the scheduler of {} was attached by somebody else, who alone can detach "
                       "it; \"fiefctl kill\" ends it",
                       detach.subject));
    return done(unknown(detach.subject));
  }
  put_in_force({.name = known->name, .keys = {{"enabled", false}}}, {detach.lifetime, requester},
               *known, std::move(done));
}

void Requests::perform(const Revert& revert, const Requester& /*requester*/, Done done) {
  const auto known = find(revert.subject);
  if (!known)
    return done(unknown(revert.subject));
  one_at_a_time([this, known = *known, done = std::move(done)] {
    const auto trial = changes_.reverted(known.name);
    if (!trial)
      return done(tl::unexpected(trial.error()));
    begin({.trial = *trial, .subject = known, .new_chance = true, .is_asked = false, .done = done});
  });
}

void Requests::perform(const Boost& boost, const Requester& requester, Done done) {
  const auto subject = find(boost.subject);
  if (!subject)
    return done(unknown(boost.subject));
  begin({.trial =
             changes_.boosted(boost.hold, {.name = subject->name, .keys = boost.keys}, requester),
         .subject = *subject,
         .new_chance = false,
         .is_asked = true,
         .done = std::move(done)});
}

// What was in force before cannot be refused; if it is not feasible any more, the plan says so.
bool Requests::release(std::uint64_t hold) {
  const auto before = released(parts_.policy.layers(), hold);
  if (!before) {
    log::error({}, "a boost ends, but its place cannot be taken: {}", before.error());
    return false;
  }
  log_end_of_boost(parts_.policy.layers(), hold);
  log_contradicted(before->lifted);
  parts_.policy.adopt(before->layers, before->made);
  return true;
}

void Requests::perform(const Kill& kill, const Requester& requester, Done done) {
  const auto* known = find_delegation(parts_.policy.resolved(), kill.subject);
  const auto path =
      known != nullptr ? known->cgroup : path_meant(kill.subject, parts_.watcher.tree());
  const auto* observed = observed_at(path);
  if (observed == nullptr || observed->cgroup == kSelf)
    return done(fail(Errc::not_found, "no scheduler is attached to \"{}\"", path));
  const auto* parent = parts_.reconciler.observation().find(observed->parent);
  if (parent != nullptr && parent->foreign)
    return done(fail(
        Errc::unsupported,
        "the scheduler of {} stands below one of somebody else's, which alone can end it", path));
  const auto cgroup = observed->cgroup;
  if (const auto killed = parts_.kernel.kill(cgroup, reason_of(kill, requester)); !killed)
    return done(killed);
  answer_later_(always, std::move(done), {.leaving = cgroup, .is_in_place = [] { return true; }});
}

void Requests::put_in_force(const DelegationChange& change, const ChangeTerms& terms,
                            const Subject& subject, Done done) {
  if (change.keys.empty()) {
    parts_.children.forgive(subject.cgroup);
    return answer_when_in_force(subject, std::move(done));
  }
  auto put = [this, change, terms, subject, done = std::move(done)] {
    const auto trial = changes_.changed(change, terms, subject.cgroup);
    if (!trial)
      return done(tl::unexpected(trial.error()));
    begin({.trial = *trial,
           .subject = subject,
           .new_chance = is_new_chance(change),
           .is_asked = true,
           .done = done});
  };
  if (terms.lifetime == Lifetime::until_restart)
    return put();
  one_at_a_time(std::move(put));
}

void Requests::one_at_a_time(std::function<void()> change) {
  if (is_writing_)
    waiting_.push_back(std::move(change));
  else
    change();
}

void Requests::begin(const Wanted& wanted) {
  const auto candidate = judge(wanted);
  if (!candidate)
    return wanted.done(tl::unexpected(candidate.error()));
  if (!candidate->drop_in)
    return adopt(*candidate, wanted);
  is_writing_ = true;
  const Tried tried{*candidate, parts_.policy.revision()};
  writer_->write(*candidate->drop_in,
                 [this, wanted, tried](const Status& status) { written(wanted, tried, status); });
}

// What the daemon may not write is no want of privileges of whoever asks.
void Requests::written(const Wanted& wanted, const Tried& tried, const Status& status) {
  is_writing_ = false;
  if (status)
    adopt_written(wanted, tried);
  else
    wanted.done(
        fail(Errc::io, "nothing is changed, since it cannot be kept: {}", status.error().message));
  while (!is_writing_ && !waiting_.empty()) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    next();
  }
}

// Judged again: the policy in force, and the cgroups, may be others by now.
void Requests::adopt_written(const Wanted& wanted, const Tried& tried) {
  const auto candidate = parts_.policy.revision() == tried.revision
                             ? as_possible(tried.candidate, wanted)
                             : judge(wanted);
  if (candidate)
    adopt(*candidate, wanted);
  else
    wanted.done(fail(candidate.error().code, "kept for the next reload, but not in force: {}",
                     candidate.error().message));
}

Result<Candidate> Requests::judge(const Wanted& wanted) const {
  return wanted.trial().and_then(
      [&](Candidate made) { return as_possible(std::move(made), wanted); });
}

Result<Candidate> Requests::as_possible(Candidate candidate, const Wanted& wanted) const {
  if (const auto possible = check_possible(candidate, wanted); !possible)
    return tl::unexpected(possible.error());
  return candidate;
}

void Requests::adopt(const Candidate& candidate, const Wanted& wanted) {
  log_contradicted(candidate.lifted);
  parts_.policy.adopt(candidate.layers, candidate.made);
  if (candidate.drop_in)
    parts_.policy.keep();
  if (wanted.new_chance)
    for (const auto& delegation : parts_.policy.resolved().delegations)
      if (is_about(wanted.subject, delegation))
        parts_.children.forgive(delegation.cgroup);
  answer_when_in_force(wanted.subject, wanted.done);
}

void Requests::answer_when_in_force(const Subject& subject, Done done) {
  answer_later_(
      [parts = parts_, subject] {
        return in_force(&subject, parts.policy.resolved(), parts.watcher.tree(), parts.children);
      },
      std::move(done),
      {.leaving = {}, .is_in_place = [parts = parts_, cgroups = cgroups_of(subject)] {
         return parts.reconciler.is_in_place(cgroups);
       }});
}

// Of a pattern those that are there now: others come and go all the time.
std::vector<CgroupId> Requests::cgroups_of(const Subject& subject) const {
  const auto& cgroups = parts_.watcher.tree();
  std::vector<CgroupId> found;
  if (const auto* node = cgroups.find(subject.cgroup); node != nullptr)
    found.push_back(node->id);
  if (subject.cgroup.empty())
    for (const auto& delegation : parts_.policy.resolved().delegations)
      if (const auto* node = cgroups.find(delegation.cgroup);
          node != nullptr && is_about(subject, delegation))
        found.push_back(node->id);
  return found;
}

Status Requests::check_possible(const Candidate& candidate, const Wanted& wanted) const {
  for (const auto& delegation : resolve(candidate.made.policy, parts_.watcher.tree()).delegations)
    if (is_about(wanted.subject, delegation))
      if (const auto found = parts_.kernel.find_scheduler(delegation.scheduler); !found)
        return found;
  return parts_.reconciler.check_feasible(candidate.made.policy, candidate.layers,
                                          wanted.is_asked ? &wanted.subject : nullptr);
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
