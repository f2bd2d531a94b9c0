// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/scheduler_object.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/libbpf_handles.hpp"

namespace fief {
namespace {

constexpr std::string_view kArenaPin = "arena";
constexpr std::string_view kExitPin = "_data_fief_exit";  // as libbpf spells FIEF_EXIT_SECTION

Result<bpf_map_info> map_info(int map_fd) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_map_get_info_by_fd(map_fd, &info, &size) != 0)
    return fail(Errc::kernel, "cannot read about a map: {}", std::strerror(errno));
  return info;
}

std::size_t in_pages(std::size_t size) {
  const auto page = static_cast<std::size_t>(getpagesize());
  return (size + page - 1) / page * page;
}

template <class Args>
Status run(const UniqueFd& program, const char* name, Args& args) {
  if (!program)
    return fail(Errc::unsupported, "this scheduler cannot divide its CPUs among children");
  return run_syscall_program(program.get(), name, &args, sizeof(args));
}

UniqueFd open_if_there(const PinDirectory& pins, std::string_view name) {
  auto fd = pins.open(name);
  return fd ? std::move(*fd) : UniqueFd{};
}

}  // namespace

Status check_abi_of(const fief_info_args& args) {
  if (args.abi_version == FIEF_ABI_VERSION && args.state_size == sizeof(fief_state))
    return {};
  return fail(Errc::invalid, "it was built for another version of fief (ABI {}, not {})",
              args.abi_version, FIEF_ABI_VERSION);
}

ExitInfo exit_from_abi(const fief_exit* record) {
  if (record == nullptr || record->kind == 0)
    return {};
  return {record->kind, record->code, record->reason, record->msg, record->dump};
}

Result<MapMemory> MapMemory::map(std::uintptr_t at, std::size_t size, int protection, int map_fd) {
  const int fixed = at == 0 ? 0 : MAP_FIXED_NOREPLACE;
  void* memory = ::mmap(reinterpret_cast<void*>(at),  // NOLINT(performance-no-int-to-ptr)
                        size, protection, MAP_SHARED | fixed, map_fd, 0);
  if (memory == MAP_FAILED)
    return fail(Errc::kernel, "cannot map its memory: {}", std::strerror(errno));
  return MapMemory({static_cast<std::byte*>(memory), size});
}

Result<MapMemory> MapMemory::arena(int map_fd) {
  return map_info(map_fd).and_then([map_fd](const bpf_map_info& info) {
    return map(info.map_extra, in_pages(1) * info.max_entries, PROT_READ | PROT_WRITE, map_fd);
  });
}

Result<MapMemory> MapMemory::values(int map_fd) {
  return map_info(map_fd).and_then([map_fd](const bpf_map_info& info) {
    constexpr std::size_t kAlignment = 8;
    const auto value = (std::size_t{info.value_size} + kAlignment - 1) / kAlignment * kAlignment;
    return map(0, in_pages(value * info.max_entries), PROT_READ, map_fd);
  });
}

MapMemory& MapMemory::operator=(MapMemory&& other) noexcept {
  std::swap(memory_, other.memory_);
  return *this;
}

MapMemory::~MapMemory() {
  if (!memory_.empty())
    ::munmap(memory_.data(), memory_.size());
}

Result<SchedulerObject> SchedulerObject::open(const PinDirectory& pins) {
  if (!pins.holds_link())
    return fail(Errc::not_found, "no scheduler is pinned in {}", pins.path(""));
  const auto record = pins.open(kRecordPin).and_then([](const UniqueFd& map) {
    return read_record_map(map.get());
  });
  if (!record)
    return tl::unexpected(record.error());
  SchedulerObject object(pins);
  object.record_ = *record;
  std::ranges::transform(kSharedPins, object.shared_.begin(), [&pins](const char* name) {
    return std::make_shared<const UniqueFd>(open_if_there(pins, name));
  });
  object.apply_ = open_if_there(pins, kApplyProgram);
  object.observe_ = open_if_there(pins, kObserveProgram);
  object.kill_ = open_if_there(pins, kKillProgram);
  const auto opened = object.open_state().and_then([&object] { return object.open_exit_record(); });
  if (!opened)
    return tl::unexpected(opened.error());
  return object;
}

SharedMaps SchedulerObject::shared_maps() const {
  SharedMaps maps;
  for (std::size_t i = 0; i < shared_.size(); ++i)
    if (*shared_[i])
      maps.emplace_back(kSharedPins[i], shared_[i]);
  return maps;
}

// A scheduler that is not fief's own has no state to show.
Status SchedulerObject::open_state() {
  const auto info = pins_.open(kInfoProgram);
  if (!info)
    return {};
  fief_info_args args{};
  if (const auto ran = run(*info, kInfoProgram, args); !ran)
    return ran;
  if (const auto known = check_abi_of(args); !known)
    return known;
  auto arena = pins_.open(kArenaPin).and_then(
      [](const UniqueFd& map) { return MapMemory::arena(map.get()); });
  if (!arena)
    return tl::unexpected(arena.error());
  arena_ = std::move(*arena);
  const auto first = reinterpret_cast<std::uintptr_t>(arena_.bytes().data());
  if (args.state_addr < first ||
      args.state_addr - first + sizeof(fief_state) > arena_.bytes().size())
    return fail(Errc::invalid, "its state does not lie in its arena");
  state_ = reinterpret_cast<fief_state*>(arena_.bytes().data() + (args.state_addr - first));
  return {};
}

Status SchedulerObject::open_exit_record() {
  const auto map = pins_.open(kExitPin);
  if (!map)
    return {};
  auto memory = MapMemory::values(map->get());
  if (!memory)
    return tl::unexpected(memory.error());
  if (memory->bytes().size() < sizeof(fief_exit))
    return fail(Errc::invalid, "its record of an end is too short");
  exit_memory_ = std::move(*memory);
  return {};
}

ExitInfo SchedulerObject::exit_info() const {
  return exit_memory_.bytes().empty()
             ? ExitInfo{}
             : exit_from_abi(reinterpret_cast<const fief_exit*>(exit_memory_.bytes().data()));
}

TimeHistogram SchedulerObject::wake_waits() const {
  static_assert(TimeHistogram::kBuckets == FIEF_WAIT_BUCKETS);
  TimeHistogram waits;
  for (const fief_waits& stripe : state_->waits) {
    for (std::size_t i = 0; i < TimeHistogram::kBuckets; ++i)
      waits.counts[i] += stripe.count[i];
    waits.sum_us += stripe.sum_us;
  }
  return waits;
}

std::uint64_t SchedulerObject::sum(__u64 fief_counters::* counter) const {
  std::uint64_t total = 0;
  for (const fief_counters& stripe : state_->counters)
    total += stripe.*counter;
  return total;
}

std::uint64_t SchedulerObject::events_dropped() const {
  return state_ == nullptr ? 0 : sum(&fief_counters::events_dropped);
}

Counters SchedulerObject::counters() const {
  if (state_ == nullptr)
    return {};
  return {.enqueued = sum(&fief_counters::enqueued),
          .direct = sum(&fief_counters::direct),
          .reenq_cap = sum(&fief_counters::reenq_cap),
          .reenq_immed = sum(&fief_counters::reenq_immed),
          .reenq_preempted = sum(&fief_counters::reenq_preempted),
          .reenq_other = sum(&fief_counters::reenq_other),
          .rescued = sum(&fief_counters::rescued),
          .reclaims = sum(&fief_counters::reclaims),
          .aged = sum(&fief_counters::aged),
          .parked = sum(&fief_counters::parked),
          .graced = sum(&fief_counters::graced),
          .limit_periods = sum(&fief_counters::limit_periods),
          .limit_throttled = sum(&fief_counters::limit_throttled),
          .wake_waits = wake_waits()};
}

Status SchedulerObject::run_apply(fief_apply_args& args) const {
  return run(apply_, kApplyProgram, args);
}

Status SchedulerObject::run_observe(fief_apply_args& args) const {
  return run(observe_, kObserveProgram, args);
}

Status SchedulerObject::run_kill(fief_kill_args& args) const {
  return run(kill_, kKillProgram, args);
}

}  // namespace fief
