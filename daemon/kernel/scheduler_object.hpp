// SPDX-License-Identifier: GPL-2.0-only
// One BPF scheduler: an object file opened, configured, loaded and attached. Move-only; destroying
// it detaches the scheduler and frees everything it loaded.
//
// Loading and attaching block for up to seconds (verification; an enable that walks all tasks),
// detaching likewise: the owner does these on a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "fief/abi.h"
#include "kernel/port.hpp"
#include "policy/policy.hpp"

namespace fief {

struct SchedulerSpec {
  std::string path;           ///< of the object file
  CgroupId cgroup;            ///< where to attach it; kSelf: as the root scheduler
  Options options;            ///< constants of the object, by name
  int shared_events_fd = -1;  ///< ring map to report into; -1: its own
};

class SchedulerObject {
 public:
  /// Opens, configures, loads and attaches. Errc::not_found: no such object file or cgroup;
  /// Errc::invalid: not a scheduler object, or an unknown option; Errc::busy: another scheduler is
  /// in the way; Errc::kernel: refused, with the verifier's or the scheduler's own reason.
  static Result<SchedulerObject> attach(const SchedulerSpec& spec);

  SchedulerObject(SchedulerObject&&) noexcept;
  SchedulerObject& operator=(SchedulerObject&&) noexcept;
  ~SchedulerObject();

  /// The mapped state, nullptr if the object is not one of fief's. BPF writes it concurrently.
  [[nodiscard]] fief_state* state() const;
  [[nodiscard]] int events_fd() const;
  [[nodiscard]] ExitInfo exit_info() const;
  [[nodiscard]] Counters counters() const;

  /// Runs the object's syscall program fief_apply, fief_observe or fief_kill. Errc::kernel on
  /// failure.
  Status run_apply(fief_apply_args& args) const;
  Status run_observe(fief_apply_args& args) const;
  Status run_kill(fief_kill_args& args) const;

 private:
  struct Impl;
  explicit SchedulerObject(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fief
