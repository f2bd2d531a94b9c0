// SPDX-License-Identifier: GPL-2.0-only
// The root scheduler from one end of the daemon's life to the other: taken over or loaded, replaced
// when the policy asks for another, loaded again after it ended, given up when that is hopeless.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "control/schedulers/supervision.hpp"
#include "kernel/port.hpp"

namespace fief {

/// Whether starting again cannot help: the kernel or the privileges must change first.
bool is_final(Errc code);

/// What the root's life means for everybody else.
class RootOwner {
 public:
  virtual ~RootOwner() = default;
  /// What the policy in force wants.
  [[nodiscard]] virtual const Options& wanted_root_options() const = 0;
  /// Loading takes long, and begins now.
  virtual void root_loading() = 0;
  /// An earlier daemon's goes on, with all below it.
  virtual void root_adopted(const Adoption& adoption) = 0;
  /// A new one runs.
  virtual void root_attached() = 0;
  /// The one before goes on in place of the one that was to replace it.
  virtual void root_stays() = 0;
  /// The policy asks for one that the kernel does not take.
  virtual void root_refused(const std::string& why) = 0;
  /// Every scheduler is gone.
  virtual void schedulers_gone(std::string_view reason) = 0;
  /// There is none until due().
  virtual void root_lost() = 0;
  /// There will be none any more.
  virtual void root_given_up(const Error& why) = 0;
};

class RootLife {
 public:
  using Time = Supervision::Time;

  /// @p kernel and @p owner outlive this object and the loop's last handler. @p jitter yields
  /// [0, 1).
  RootLife(KernelPort& kernel, RestartPolicy restart, std::function<double()> jitter,
           RootOwner& owner)
      : kernel_(kernel), restart_(restart), jitter_(std::move(jitter)), owner_(owner) {}

  /// Goes on with what an earlier daemon left, as far as it is what this one would load.
  void take_over();
  void load();
  /// Loads it if another try is due; true if so.
  bool retry_if_due(Time now);
  /// It is not enabled any more. True if that is its end, and not only the end's beginning: its
  /// record is awaited.
  bool note_missing(Time now);
  void note_present() { missing_since_.reset(); }
  /// Whatever comes up from now on goes again.
  void stop() { phase_ = Phase::stopped; }

  [[nodiscard]] bool is_running() const { return phase_ == Phase::running; }
  [[nodiscard]] bool is_stopped() const { return phase_ == Phase::stopped; }
  /// The daemon was ready once: a root that fails from now on is worth another try. True the first
  /// time.
  bool note_ready() { return !std::exchange(was_ready_, true); }
  [[nodiscard]] bool was_ready() const { return was_ready_; }
  /// Of the root that runs or is being loaded.
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::optional<Time> due() const { return due_; }
  [[nodiscard]] const std::string& last_error() const { return supervision_.last_error(); }

 private:
  enum class Phase { idle, loading, running, lost, stopped };

  void adopt(const Adoption& adoption);
  void load_with(const Options& options);
  void loaded(const Status& outcome);
  void refused(const Error& error);
  void go_on_with_old();
  void ended(const ExitInfo& exit);
  void retry(const std::string& why);
  void give_up(Errc code, const std::string& why);

  KernelPort& kernel_;
  RestartPolicy restart_;
  std::function<double()> jitter_;
  RootOwner& owner_;
  Phase phase_ = Phase::idle;
  bool was_ready_ = false;
  Supervision supervision_;
  std::optional<Time> due_;
  std::optional<Time> missing_since_;  ///< not enabled any more, exit record awaited
  Options options_;
  Options good_options_;          ///< of the last root that could be loaded
  Options wanted_options_;        ///< the policy's, when the last load began
  std::optional<Adoption> left_;  ///< attached until a root of this daemon's own is
};

}  // namespace fief
