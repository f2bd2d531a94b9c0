// SPDX-License-Identifier: GPL-2.0-only
// The daemon's own part: cgroups + topology + policy → plan → grant operations → kernel →
// observation.
//
// Everything that happens only asks for a turn (reconciler.hpp); whatever arrives meanwhile shares
// the next turn. The controller wires those who each hold a part of the state, and translates
// between them and the Backend. Loop thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "backend/backend.hpp"
#include "cgroup/watcher.hpp"
#include "control/operations/answers.hpp"
#include "control/operations/requests.hpp"
#include "control/policy/policy_store.hpp"
#include "control/policy/tenancy.hpp"
#include "control/schedulers/children.hpp"
#include "control/schedulers/root_life.hpp"
#include "control/turn/cgroup_follower.hpp"
#include "control/turn/reactions.hpp"
#include "control/turn/reconciler.hpp"
#include "control/turn/triggers.hpp"
#include "control/view/announcer.hpp"
#include "kernel/port.hpp"
#include "policy/drop_ins.hpp"

namespace fief {

struct ControllerConfig {
  std::function<PolicySources()> read_policy;
  std::function<std::string()> policy_files;  ///< what read_policy reads, for people
  /// Where persistent changes go; unset: read_policy would not see them.
  std::optional<DropIns> drop_ins;
  /// Where the last good policy is kept for the next start; unset: nowhere.
  std::optional<KeptPolicy> kept;
  std::string cgroup_mount{kCgroupMount};
  CgroupOwner owner_of;  ///< unset: whom the directory belongs to
  RestartPolicy root_restart;
  std::chrono::milliseconds reload_timeout{60000};  ///< of every other change, too
};

/// What becomes of the schedulers when the daemon stops.
enum class Leaving : bool {
  keep,      ///< they stay attached, for the next daemon to go on with
  for_good,  ///< every task returns to the kernel's own scheduler
};

/// What the composition root must know. Each runs on the loop.
struct ControllerHooks {
  /// Once: the root is attached, the first plan is in force and observed, and every delegation
  /// whose cgroup exists is attached or has failed to.
  std::function<void()> ready;
  /// Once: it cannot go on. Errors of which is_final() is true will come again at every start.
  std::function<void(const Error&)> failed;
  /// Once: it was asked to leave for good.
  std::function<void()> left;
  /// What it is doing, for people; told before each step that takes long.
  std::function<void(const std::string&)> progress;
};

class Controller final : public Backend, private RootOwner {
 public:
  /// All references outlive the controller and the loop's last handler.
  Controller(boost::asio::io_context& io, KernelPort& kernel, CgroupWatcher& watcher,
             ControllerConfig config, ControllerHooks hooks);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  ~Controller() override = default;

  void set_listener(StatusListener* listener) { announcer_.set_listener(listener); }

  /// Reads the policy and goes on with what an earlier daemon left attached, as far as it is what
  /// this one would attach; else loads the root scheduler. A policy with faults is reported and
  /// replaced by the last good one, or an empty one: the machine stays usable, and a reload mends
  /// it.
  void start();
  /// Nothing runs from then.
  Status stop(Leaving leaving);
  /// What the policy says of a stop.
  [[nodiscard]] OnStop on_stop() const { return policy_.written().root.on_stop; }

  [[nodiscard]] StatusView status(Figures figures) const override;
  void perform(const Operation& operation, const Requester& requester, Done done) override;
  void release(std::uint64_t hold) override;
  [[nodiscard]] Status check_tenant(const OwnersWish& wish, uid_t uid) const override;
  [[nodiscard]] Result<ExplanationTexts> preview_reload() const override;
  [[nodiscard]] std::string plan() const override;
  [[nodiscard]] const ShownPolicy& policy() const override { return policy_.shown(); }
  [[nodiscard]] Result<ExplanationTexts> explain(const std::string& subject) const override;

 private:
  [[nodiscard]] const Options& wanted_root_options() const override;
  void root_loading() override;
  void root_adopted(const Adoption& adoption) override;
  void root_attached() override;
  void root_stays() override;
  void root_refused(const std::string& why) override;
  void schedulers_gone(std::string_view reason) override;
  void root_lost() override;
  void root_given_up(const Error& why) override;

  void follow(const Event& event);
  PacedWait::Pause look_at_cgroups();
  void reload(Done done);
  void replan(bool from_scratch, Done done);
  void leave(const Done& done);
  void turn();
  void arm_trigger();
  void settled();
  void publish();
  /// Of what is not there, or stands for any number of cgroups.
  [[nodiscard]] std::optional<ExplanationTexts> explain_waiting(const std::string& subject) const;
  [[nodiscard]] Result<std::string> explained_path(const std::string& subject) const;
  [[nodiscard]] Status check_demands(const ReadPolicy& read) const;
  Status adopt_reloaded(ReadPolicy read);
  void answer_later(std::function<Status()> outcome, Done done, Answers::Awaited awaited);
  [[nodiscard]] Answers::Awaited all_there_now() const;
  [[nodiscard]] Status delegations_in_force() const;
  [[nodiscard]] CgroupOwner owner_of_directory() const;
  [[nodiscard]] std::string state_name() const;
  [[nodiscard]] bool is_degraded() const;

  boost::asio::io_context& io_;
  KernelPort& kernel_;
  CgroupWatcher& watcher_;
  std::string cgroup_mount_;
  ControllerHooks hooks_;
  TurnTrigger trigger_;
  PacedWait cgroup_wait_;
  CgroupFollower cgroups_;
  CgroupOwner owner_of_;
  PolicyStore policy_;
  Children children_;
  RootLife root_;
  Answers answers_;
  Announcer announcer_;
  Reconciler reconciler_;
  Requests requests_;
  Reactions reactions_;
};

}  // namespace fief
