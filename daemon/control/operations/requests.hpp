// SPDX-License-Identifier: GPL-2.0-only
// Changes of delegations that people ask for while the daemon runs. Each is tried on a copy of the
// policy first; what proves good is written where it is to outlive the daemon, adopted, and
// answered once the kernel has been observed to follow. Those that are written come one after the
// other, since each adds to what is on disk; the others do not wait for the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.hpp"
#include "cgroup/watcher.hpp"
#include "control/operations/answers.hpp"
#include "control/operations/subject.hpp"
#include "control/policy/candidate.hpp"
#include "control/policy/drop_in_writer.hpp"
#include "control/policy/policy_store.hpp"
#include "control/schedulers/children.hpp"
#include "control/turn/reconciler.hpp"
#include "kernel/port.hpp"

namespace fief {

/// What requests are judged by and act on. All of it outlives them.
struct RequestParts {
  KernelPort& kernel;
  CgroupWatcher& watcher;
  PolicyStore& policy;
  Children& children;
  const Reconciler& reconciler;
};

class Requests {
 public:
  using Done = Backend::Done;
  /// As Answers::owe(), and begins what is to be answered.
  using AnswerLater =
      std::function<void(std::function<Status()> outcome, Done, Answers::Awaited awaited)>;

  /// @p drop_ins: where persistent changes go; unset: nowhere. @p loop outlives this object.
  Requests(boost::asio::io_context& loop, RequestParts parts, std::optional<DropIns> drop_ins,
           AnswerLater answer_later);

  /// As in Backend.
  void perform(const Set& set, const Requester& requester, Done done);
  void perform(const Attach& attach, const Requester& requester, Done done);
  void perform(const Detach& detach, const Requester& requester, Done done);
  void perform(const Revert& revert, const Requester& requester, Done done);
  void perform(const Kill& kill, const Requester& requester, Done done);
  void perform(const Boost& boost, const Requester& requester, Done done);
  /// False if it is not possible and nothing has changed.
  bool release(std::uint64_t hold);

 private:
  /// A change that somebody waits for.
  struct Wanted {
    Trial trial;
    Subject subject;
    bool new_chance;  ///< for what has failed before
    bool is_asked;    ///< for the subject; else it only gives something back
    Done done;
  };
  /// What was made of it, good for the policy in force of @p revision.
  struct Tried {
    Candidate candidate;
    std::uint64_t revision;
  };

  [[nodiscard]] tl::unexpected<Error> unknown(const std::string& subject) const;
  [[nodiscard]] std::optional<Subject> find(const std::string& subject) const;
  void put_in_force(const DelegationChange& change, const ChangeTerms& terms,
                    const Subject& subject, Done done);
  void one_at_a_time(std::function<void()> change);
  void begin(const Wanted& wanted);
  void written(const Wanted& wanted, const Tried& tried, const Status& status);
  void adopt_written(const Wanted& wanted, const Tried& tried);
  [[nodiscard]] Result<Candidate> judge(const Wanted& wanted) const;
  [[nodiscard]] Result<Candidate> as_possible(Candidate candidate, const Wanted& wanted) const;
  void adopt(const Candidate& candidate, const Wanted& wanted);
  void answer_when_in_force(const Subject& subject, Done done);
  [[nodiscard]] std::vector<CgroupId> cgroups_of(const Subject& subject) const;
  [[nodiscard]] Status check_possible(const Candidate& candidate, const Wanted& wanted) const;
  [[nodiscard]] Status check_can_attach(const std::string& path) const;
  [[nodiscard]] const ObservedScheduler* observed_at(const std::string& path) const;
  [[nodiscard]] bool is_enabled(const Delegation& delegation) const;

  RequestParts parts_;
  AnswerLater answer_later_;
  std::deque<std::function<void()>> waiting_;  ///< for the drop-in that is being written
  bool is_writing_ = false;
  std::optional<DropInWriter> writer_;
  PolicyChanges changes_;
};

}  // namespace fief
