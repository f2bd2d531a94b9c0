// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/scheduler_loader.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "core/trusted_file.hpp"
#include "kernel/exit_kind.hpp"
#include "kernel/libbpf_handles.hpp"
#include "kernel/load_record.hpp"
#include "kernel/object_options.hpp"
#include "kernel/sched_ext_sysfs.hpp"

namespace fief {
namespace {

constexpr char kOpsType[] = "sched_ext_ops_cid";

bpf_map* find_struct_ops(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
      return map;
  }
  return nullptr;
}

Status set_options(bpf_object& object, const Options& wanted) {
  const auto options = options_of(object);
  for (const auto& [name, value] : wanted) {
    if (auto fault = option_fault(options, name, value); !fault.empty())
      return fail(Errc::invalid, "{}", fault);
    if (const auto set = set_tunable(object, name, option_number(value).value_or(0)); !set)
      return set;
  }
  return {};
}

/// Writes the cgroup to attach to into the ops table (sub_cgroup_id) before it is loaded.
Status set_cgroup(bpf_object* object, bpf_map* struct_ops, CgroupId cgroup) {
  const btf* types = bpf_object__btf(object);
  const int id = btf__find_by_name_kind(types, kOpsType, BTF_KIND_STRUCT);
  std::size_t size = 0;
  auto* data = static_cast<std::byte*>(bpf_map__initial_value(struct_ops, &size));
  if (id < 0 || data == nullptr)
    return fail(Errc::invalid, "the object holds no cid-form scheduler (struct {})", kOpsType);
  const btf_type* type = btf__type_by_id(types, static_cast<__u32>(id));
  const btf_member* member = btf_members(type);
  for (unsigned i = 0; i < btf_vlen(type); ++i, ++member) {
    if (std::strcmp(btf__name_by_offset(types, member->name_off), "sub_cgroup_id") != 0)
      continue;
    const auto offset = btf_member_bit_offset(type, i) / 8;
    if (offset + sizeof(cgroup.value) > size)
      break;
    std::memcpy(data + offset, &cgroup.value, sizeof(cgroup.value));
    return {};
  }
  return fail(Errc::invalid, "the object was built for a kernel without sub-schedulers");
}

Status configure(bpf_object* object, bpf_map* struct_ops, const SchedulerSpec& spec) {
  if (const auto status = set_options(*object, spec.request.options); !status)
    return status;
  if (spec.request.cgroup != kSelf) {
    if (const auto status = set_cgroup(object, struct_ops, spec.request.cgroup); !status)
      return status;
    // Only fief's own children have this constant; others do without.
    if (tunables_of(*object).contains(kCgroupConstant))
      if (const auto status = set_tunable(*object, kCgroupConstant,
                                          static_cast<std::int64_t>(spec.request.cgroup.value));
          !status)
        return status;
  }
  for (const auto& [name, fd] : spec.shared) {
    bpf_map* map = bpf_object__find_map_by_name(object, name);
    if (map != nullptr && bpf_map__reuse_fd(map, fd->get()) != 0)
      return fail(Errc::kernel, "cannot share the map {}: {}", name, std::strerror(errno));
  }
  return {};
}

Status associate_syscall_programs(bpf_object* object, const bpf_map& struct_ops) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__type(program) != BPF_PROG_TYPE_SYSCALL)
      continue;
    if (const auto status = associate_with_struct_ops(*program, struct_ops); !status)
      return status;
  }
  return {};
}

tl::unexpected<Error> attach_failure(int error, const ExitInfo& exit) {
  if (!exit.message.empty())
    return fail(Errc::kernel, "the scheduler refused to start: {}", exit.message);
  switch (error) {
    case EBUSY:
      return fail(Errc::busy, "another scheduler is attached there already");
    case ENOENT:
    case ENODEV:
      return fail(Errc::not_found, "the cgroup or its parent scheduler has gone");
    default:
      return fail(Errc::kernel, "the kernel refused to attach it: {}", std::strerror(error));
  }
}

// Where arenas are mapped: every process that maps one must use the address it was made with, so
// they lie where nothing else does, each within 4 GiB of its own (kernel/bpf/arena.c).
constexpr std::uintptr_t kFirstArena = 0x2000'0000'0000;
constexpr std::uintptr_t kArenaStride = std::uintptr_t{1} << 32;
constexpr std::uintptr_t kMaxArenas = 4096;

bool is_free(std::uintptr_t address, std::size_t size) {
  void* wanted = reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
  void* got =
      ::mmap(wanted, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED)
    return false;
  ::munmap(got, size);
  return got == wanted;
}

/// An address that no other load takes, though nothing is mapped there yet or any more: schedulers
/// are loaded by several threads. Move-only.
class ArenaPlace {
 public:
  ArenaPlace() = default;
  /// Errc::kernel: there is none for @p size bytes.
  static Result<ArenaPlace> take(std::size_t size);
  ArenaPlace(const ArenaPlace&) = delete;
  ArenaPlace& operator=(const ArenaPlace&) = delete;
  ArenaPlace(ArenaPlace&& other) noexcept : address_(std::exchange(other.address_, 0)) {}
  ArenaPlace& operator=(ArenaPlace&& other) noexcept {
    std::swap(address_, other.address_);
    return *this;
  }
  ~ArenaPlace();

  [[nodiscard]] std::uintptr_t address() const { return address_; }

 private:
  explicit ArenaPlace(std::uintptr_t address) : address_(address) {}
  static std::mutex& mutex();
  static std::set<std::uintptr_t>& taken();  // guarded by mutex()

  std::uintptr_t address_ = 0;
};

std::mutex& ArenaPlace::mutex() {
  static std::mutex mutex;
  return mutex;
}

std::set<std::uintptr_t>& ArenaPlace::taken() {
  static std::set<std::uintptr_t> taken;
  return taken;
}

Result<ArenaPlace> ArenaPlace::take(std::size_t size) {
  const std::scoped_lock lock(mutex());
  for (std::uintptr_t arena = 0; arena < kMaxArenas; ++arena) {
    const auto address = kFirstArena + arena * kArenaStride;
    if (!taken().contains(address) && is_free(address, size)) {
      taken().insert(address);
      return ArenaPlace(address);
    }
  }
  return fail(Errc::kernel, "there is no room for its arena in the address space");
}

ArenaPlace::~ArenaPlace() {
  if (address_ == 0)
    return;
  const std::scoped_lock lock(mutex());
  taken().erase(address_);
}

/// Nowhere, for an object without an arena, or with one that has its place.
Result<ArenaPlace> place_arena(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__type(map) != BPF_MAP_TYPE_ARENA || bpf_map__map_extra(map) != 0)
      continue;
    auto place = ArenaPlace::take(std::size_t{bpf_map__max_entries(map)} *
                                  static_cast<std::size_t>(getpagesize()));
    if (place)
      bpf_map__set_map_extra(map, place->address());
    return place;
  }
  return ArenaPlace{};
}

}  // namespace

// Its own step each, so that a caller can do something in between.
struct SchedulerLoader::Impl {
  explicit Impl(SchedulerSpec wanted) : spec(std::move(wanted)) {}

  SchedulerSpec spec;
  LoadRecord record;
  BpfPtr<bpf_object> object;
  bpf_map* struct_ops = nullptr;
  ArenaPlace arena;

  Status open();
  Status load();
  Status check_abi();
  [[nodiscard]] Status pin() const;
  [[nodiscard]] Status attach() const;
  [[nodiscard]] bool is_attached() const;
  [[nodiscard]] ExitInfo exit_info() const;
};

// Read once: what is loaded is what was judged and what the record tells of.
Status SchedulerLoader::Impl::open() {
  const auto content = read_file_of_root(spec.file, kMaxObjectBytes);
  if (!content)
    return tl::unexpected(content.error());
  record = {.request = spec.request, .checksum = checksum_of(*content)};
  object = open_object(*content, spec.request.scheduler);
  if (!object)
    return fail(Errc::invalid, "cannot open it: {}", std::strerror(errno));
  struct_ops = find_struct_ops(object.get());
  if (struct_ops == nullptr)
    return fail(Errc::invalid, "it holds no scheduler (no struct_ops map)");
  return configure(object.get(), struct_ops, spec);
}

Status SchedulerLoader::Impl::load() {
  const LibbpfLog log;
  auto placed = place_arena(object.get());
  if (!placed)
    return tl::unexpected(placed.error());
  arena = std::move(*placed);
  const int error = bpf_object__load(object.get());
  if (error == -EPERM)
    return fail(Errc::denied, "loading needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN");
  if (error != 0)
    return fail(Errc::kernel, "the kernel refused to load it: {}", log.reason());
  return associate_syscall_programs(object.get(), *struct_ops).and_then([this] {
    return check_abi();
  });
}

Status SchedulerLoader::Impl::check_abi() {
  const bpf_program* info = bpf_object__find_program_by_name(object.get(), kInfoProgram);
  if (info == nullptr)
    return {};  // a scheduler that is not fief's own
  fief_info_args args{};
  return run_syscall_program(bpf_program__fd(info), kInfoProgram, &args, sizeof(args))
      .and_then([&args] { return check_abi_of(args); });
}

// All maps: a BPF timer runs only while somebody outside of BPF refers to its map.
Status SchedulerLoader::Impl::pin() const {
  if (const auto made = spec.pins.create(); !made)
    return made;
  if (const int error = bpf_object__pin_maps(object.get(), spec.pins.path("").c_str()); error != 0)
    return fail(Errc::kernel, "cannot pin its maps: {}", std::strerror(-error));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.get()) {
    if (bpf_program__type(program) != BPF_PROG_TYPE_SYSCALL)
      continue;
    if (const int error =
            bpf_program__pin(program, spec.pins.path(bpf_program__name(program)).c_str());
        error != 0)
      return fail(Errc::kernel, "cannot pin its programs: {}", std::strerror(-error));
  }
  const auto map = make_record_map(record);
  if (!map)
    return tl::unexpected(map.error());
  if (const int error = bpf_obj_pin(map->get(), spec.pins.path(kRecordPin).c_str()); error != 0)
    return fail(Errc::kernel, "cannot pin its record: {}", std::strerror(-error));
  return {};
}

Status SchedulerLoader::Impl::attach() const {
  const BpfPtr<bpf_link> link(bpf_map__attach_struct_ops(struct_ops));
  if (!link)
    return attach_failure(errno, exit_info());
  // A scheduler that gives up in its init is torn down again, and the kernel still says 0.
  if (const auto exit = exit_info(); exit.kind >= exit_kind::kError)
    return attach_failure(0, exit);
  if (!is_attached())
    return fail(Errc::kernel, "the kernel ended it at once; its log (journalctl -k) says why");
  if (const int error = bpf_link__pin(link.get(), spec.pins.path(kLinkPin).c_str()); error != 0)
    return fail(Errc::kernel, "cannot pin its link: {}", std::strerror(-error));
  return {};
}

// Only fief's own schedulers keep a record of their end; of others the kernel's files tell.
bool SchedulerLoader::Impl::is_attached() const {
  return std::ranges::any_of(SchedExtSysfs().schedulers(), [this](const SysfsScheduler& one) {
    return one.cgroup == spec.request.cgroup;
  });
}

ExitInfo SchedulerLoader::Impl::exit_info() const {
  const bpf_map* map = bpf_object__find_map_by_name(object.get(), FIEF_EXIT_SECTION);
  std::size_t size = 0;
  return map == nullptr
             ? ExitInfo{}
             : exit_from_abi(static_cast<const fief_exit*>(bpf_map__initial_value(map, &size)));
}

Result<SchedulerLoader> SchedulerLoader::load(const SchedulerSpec& spec) {
  auto impl = std::make_unique<Impl>(spec);
  auto status = impl->open();
  if (status)
    status = impl->load();
  if (!status)
    return context(spec.file, status.error());
  return SchedulerLoader(std::move(impl));
}

Result<SchedulerObject> SchedulerLoader::attach() && {
  auto status = impl_->pin();
  if (status)
    status = impl_->attach();
  // The object's own mapping of the arena goes, the one from the pins comes.
  const auto spec = std::move(impl_->spec);
  const auto arena = std::move(impl_->arena);  // nobody else's in between
  impl_.reset();
  if (status) {
    auto object = SchedulerObject::open(spec.pins);
    if (object)
      return object;
    status = tl::unexpected(object.error());
  }
  static_cast<void>(spec.pins.end());
  return context(spec.file, status.error());
}

SchedulerLoader::SchedulerLoader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SchedulerLoader::SchedulerLoader(SchedulerLoader&&) noexcept = default;
SchedulerLoader& SchedulerLoader::operator=(SchedulerLoader&&) noexcept = default;
SchedulerLoader::~SchedulerLoader() = default;

}  // namespace fief
