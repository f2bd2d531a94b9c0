// SPDX-License-Identifier: GPL-2.0-only
// One attached BPF scheduler: what the daemon reads of it and asks of it, by way of what is pinned.
// Move-only. Destroying it lets go of a scheduler that stays attached; end() detaches it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/fd.hpp"
#include "core/result.hpp"
#include "fief/abi.h"
#include "kernel/load_record.hpp"
#include "kernel/object_options.hpp"
#include "kernel/pins.hpp"
#include "kernel/port.hpp"

namespace fief {

/// Names of the syscall programs that schedulers of fief's have, beside kInfoProgram.
inline constexpr char kApplyProgram[] = "fief_apply";
inline constexpr char kObserveProgram[] = "fief_observe";
inline constexpr char kKillProgram[] = "fief_kill";

/// A map's memory, mapped for as long as this object lives.
class MapMemory {
 public:
  MapMemory() = default;
  /// Maps an arena, at the address it was made for. Errc::kernel.
  static Result<MapMemory> arena(int map_fd);
  /// Maps an array's values for reading. Errc::kernel.
  static Result<MapMemory> values(int map_fd);
  MapMemory(const MapMemory&) = delete;
  MapMemory& operator=(const MapMemory&) = delete;
  MapMemory(MapMemory&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}
  MapMemory& operator=(MapMemory&& other) noexcept;
  ~MapMemory();

  [[nodiscard]] std::span<std::byte> bytes() const { return memory_; }

 private:
  explicit MapMemory(std::span<std::byte> memory) : memory_(memory) {}
  static Result<MapMemory> map(std::uintptr_t at, std::size_t size, int protection, int map_fd);
  std::span<std::byte> memory_;
};

/// What all schedulers of one root look at, which is the root's: the event ring first.
inline constexpr std::array kSharedPins{"events", "notices", "kept_cids"};

/// Maps by name. A load that is under way holds on to those of a root that goes meanwhile.
using SharedMaps = std::vector<std::pair<const char*, std::shared_ptr<const UniqueFd>>>;

class SchedulerObject {
 public:
  /// Opens what is pinned in @p pins. Errc::not_found: there is no scheduler; Errc::invalid: one of
  /// another version of fief, or damaged.
  static Result<SchedulerObject> open(const PinDirectory& pins);

  /// Detaches it and removes its pins. Blocks until its tasks are back with the scheduler above.
  Status end() && { return pins_.end(); }

  /// What it was loaded from.
  [[nodiscard]] const LoadRecord& record() const { return record_; }
  /// The mapped state, nullptr if the object is not one of fief's. BPF writes it concurrently.
  [[nodiscard]] fief_state* state() const { return state_; }
  /// Its event ring's map, or -1.
  [[nodiscard]] int events_fd() const { return shared_.front()->get(); }
  /// The maps that those below it are to share, of those that it has.
  [[nodiscard]] SharedMaps shared_maps() const;
  [[nodiscard]] ExitInfo exit_info() const;
  [[nodiscard]] Counters counters() const;
  /// Events that found no room in the ring. 0 where it has no state.
  [[nodiscard]] std::uint64_t events_dropped() const;

  /// Runs the object's syscall program fief_apply, fief_observe or fief_kill. Errc::kernel on
  /// failure.
  Status run_apply(fief_apply_args& args) const;
  Status run_observe(fief_apply_args& args) const;
  Status run_kill(fief_kill_args& args) const;

 private:
  explicit SchedulerObject(PinDirectory pins) : pins_(std::move(pins)) {}
  Status open_state();
  Status open_exit_record();
  [[nodiscard]] TimeHistogram wake_waits() const;
  [[nodiscard]] std::uint64_t sum(__u64 fief_counters::* counter) const;

  PinDirectory pins_;
  LoadRecord record_;
  std::array<std::shared_ptr<const UniqueFd>, kSharedPins.size()> shared_;
  UniqueFd apply_;
  UniqueFd observe_;
  UniqueFd kill_;
  MapMemory arena_;
  MapMemory exit_memory_;
  fief_state* state_ = nullptr;  ///< in arena_
};

/// Errc::invalid if @p args are of an object that was built for another version of fief.
Status check_abi_of(const fief_info_args& args);
/// The record of an end; nothing but zeroes while it runs, or where there is no record.
ExitInfo exit_from_abi(const fief_exit* record);

}  // namespace fief
