// SPDX-License-Identifier: GPL-2.0-only
// From an object file to a scheduler that is attached and pinned, in two steps: load() has the
// kernel verify it, attach() puts it to work.
//
// Both block for up to seconds (verification; an enable that walks all tasks): the owner does them
// on a thread of its own.
#pragma once

#include <memory>
#include <string>

#include "core/result.hpp"
#include "kernel/pins.hpp"
#include "kernel/port.hpp"
#include "kernel/scheduler_object.hpp"

namespace fief {

struct SchedulerSpec {
  std::string file;       ///< the object file
  AttachRequest request;  ///< its cgroup is kSelf: attached as the root scheduler
  PinDirectory pins;      ///< what is there already goes
  SharedMaps shared{};    ///< used instead of its own maps of these names, where it has them

  /// Whether what is loaded for the one can be attached for the other.
  friend bool operator==(const SchedulerSpec& a, const SchedulerSpec& b) {
    return a.file == b.file && a.request == b.request && a.shared == b.shared;
  }
};

class SchedulerLoader {
 public:
  /// Opens, configures and loads. Errc::not_found: no such object file; Errc::invalid: not a
  /// scheduler object, or an unknown option; Errc::denied: too few privileges, or others than root
  /// could have written the file; Errc::kernel: refused, with the verifier's own reason.
  static Result<SchedulerLoader> load(const SchedulerSpec& spec);

  /// Pins and attaches. Errc::not_found: no such cgroup; Errc::busy: another scheduler is in the
  /// way; Errc::kernel: refused, with the scheduler's own reason. After a failure nothing is left.
  Result<SchedulerObject> attach() &&;

  SchedulerLoader(SchedulerLoader&&) noexcept;
  SchedulerLoader& operator=(SchedulerLoader&&) noexcept;
  ~SchedulerLoader();

 private:
  struct Impl;
  explicit SchedulerLoader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fief
