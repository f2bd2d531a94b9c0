// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/scheduler_object.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "kernel/exit_kind.hpp"
#include "kernel/libbpf_handles.hpp"

namespace fief {
namespace {

constexpr char kOpsType[] = "sched_ext_ops_cid";
constexpr char kOptionsSection[] = ".rodata";
constexpr char kCgroupConstant[] = "attached_cgroup_id";

/// A variable of a data section, where it lies in the map's initial value.
struct Variable {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool is_bool = false;
};

std::optional<Variable> find_variable(const btf& types, const char* section,
                                      std::string_view name) {
  const int section_id = btf__find_by_name_kind(&types, section, BTF_KIND_DATASEC);
  if (section_id < 0)
    return std::nullopt;
  const btf_type* datasec = btf__type_by_id(&types, static_cast<__u32>(section_id));
  const btf_var_secinfo* info = btf_var_secinfos(datasec);
  for (unsigned i = 0; i < btf_vlen(datasec); ++i, ++info) {
    const btf_type* variable = btf__type_by_id(&types, info->type);
    if (name != btf__name_by_offset(&types, variable->name_off))
      continue;
    const int type_id = btf__resolve_type(&types, variable->type);
    const btf_type* type =
        type_id < 0 ? nullptr : btf__type_by_id(&types, static_cast<__u32>(type_id));
    const bool is_bool =
        type != nullptr && btf_is_int(type) && btf_int_encoding(type) == BTF_INT_BOOL;
    return Variable{info->offset, info->size, is_bool};
  }
  return std::nullopt;
}

std::optional<std::int64_t> option_number(const OptionValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return *number;
  if (const auto* flag = std::get_if<bool>(&value))
    return *flag ? 1 : 0;
  return std::nullopt;
}

bool fits(std::int64_t number, const Variable& variable) {
  if (variable.is_bool)
    return number == 0 || number == 1;
  if (number < 0 || variable.size > sizeof(number))
    return false;
  return variable.size == sizeof(number) || number < (std::int64_t{1} << (8 * variable.size));
}

bpf_map* find_struct_ops(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
      return map;
  }
  return nullptr;
}

Status set_option(bpf_object* object, const std::string& name, const OptionValue& value) {
  const bpf_map* section = bpf_object__find_map_by_name(object, kOptionsSection);
  std::size_t size = 0;
  auto* data = section == nullptr ? nullptr
                                  : static_cast<std::byte*>(bpf_map__initial_value(section, &size));
  const auto variable = find_variable(*bpf_object__btf(object), kOptionsSection, name);
  if (data == nullptr || !variable || variable->offset + variable->size > size)
    return fail(Errc::invalid, "the scheduler has no option \"{}\"", name);
  const auto number = option_number(value);
  if (!number || !fits(*number, *variable))
    return fail(Errc::invalid, "option \"{}\" takes a {}", name,
                variable->is_bool ? "boolean" : fmt::format("number of {} bytes", variable->size));
  std::memcpy(data + variable->offset, &*number, variable->size);
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
  for (const auto& [name, value] : spec.options)
    if (const auto status = set_option(object, name, value); !status)
      return status;
  if (spec.cgroup != kSelf) {
    if (const auto status = set_cgroup(object, struct_ops, spec.cgroup); !status)
      return status;
    // Only fief's own children have this constant; others do without.
    const OptionValue id = static_cast<std::int64_t>(spec.cgroup.value);
    if (find_variable(*bpf_object__btf(object), kOptionsSection, kCgroupConstant))
      if (const auto status = set_option(object, kCgroupConstant, id); !status)
        return status;
  }
  bpf_map* events = bpf_object__find_map_by_name(object, "events");
  if (spec.shared_events_fd >= 0 && events != nullptr &&
      bpf_map__reuse_fd(events, spec.shared_events_fd) != 0)
    return fail(Errc::kernel, "cannot share the event ring: {}", std::strerror(errno));
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

}  // namespace

struct SchedulerObject::Impl {
  BpfPtr<bpf_object> object;
  BpfPtr<bpf_link> link;  // after object: detached before what it uses is freed
  bpf_map* struct_ops = nullptr;
  fief_state* state = nullptr;
  const fief_exit* exit_record = nullptr;

  Status open(const SchedulerSpec& spec);
  Status load(const LibbpfLog& log);
  Status locate_state();
  Status attach();
  [[nodiscard]] ExitInfo exit_info() const;
  template <class Args>
  [[nodiscard]] Status run(const char* program, Args& args) const;
};

Status SchedulerObject::Impl::open(const SchedulerSpec& spec) {
  object.reset(bpf_object__open_file(spec.path.c_str(), nullptr));
  if (!object)
    return fail(errno == ENOENT ? Errc::not_found : Errc::invalid, "cannot open it: {}",
                std::strerror(errno));
  struct_ops = find_struct_ops(object.get());
  if (struct_ops == nullptr)
    return fail(Errc::invalid, "it holds no scheduler (no struct_ops map)");
  return configure(object.get(), struct_ops, spec);
}

Status SchedulerObject::Impl::load(const LibbpfLog& log) {
  const int error = bpf_object__load(object.get());
  if (error == -EPERM)
    return fail(Errc::denied, "loading needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN");
  if (error != 0)
    return fail(Errc::kernel, "the kernel refused to load it: {}", log.reason());
  return associate_syscall_programs(object.get(), *struct_ops);
}

Status SchedulerObject::Impl::locate_state() {
  const bpf_program* info = bpf_object__find_program_by_name(object.get(), "fief_info");
  if (info == nullptr)
    return {};  // a scheduler that is not fief's own: no state to show
  fief_info_args args{};
  if (const auto status = run_syscall_program(*info, &args, sizeof(args)); !status)
    return status;
  if (args.abi_version != FIEF_ABI_VERSION || args.state_size != sizeof(fief_state))
    return fail(Errc::invalid, "it was built for another version of fief (ABI {}, not {})",
                args.abi_version, FIEF_ABI_VERSION);
  // The arena is mapped at the address BPF knows it by.
  state = reinterpret_cast<fief_state*>(args.state_addr);  // NOLINT(performance-no-int-to-ptr)
  std::size_t size = 0;
  if (const bpf_map* map = bpf_object__find_map_by_name(object.get(), FIEF_EXIT_SECTION))
    exit_record = static_cast<const fief_exit*>(bpf_map__initial_value(map, &size));
  return {};
}

Status SchedulerObject::Impl::attach() {
  link.reset(bpf_map__attach_struct_ops(struct_ops));
  if (!link)
    return attach_failure(errno, exit_info());
  // A scheduler that gives up in its init is torn down again, and the kernel still says 0.
  if (const auto exit = exit_info(); exit.kind >= exit_kind::kError) {
    link.reset();
    return attach_failure(0, exit);
  }
  return {};
}

ExitInfo SchedulerObject::Impl::exit_info() const {
  if (exit_record == nullptr || exit_record->kind == 0)
    return {};
  return {exit_record->kind, exit_record->code, exit_record->reason, exit_record->msg,
          exit_record->dump};
}

template <class Args>
Status SchedulerObject::Impl::run(const char* program, Args& args) const {
  const bpf_program* found = bpf_object__find_program_by_name(object.get(), program);
  if (found == nullptr)
    return fail(Errc::unsupported, "this scheduler cannot divide its CPUs among children");
  return run_syscall_program(*found, &args, sizeof(args));
}

Result<SchedulerObject> SchedulerObject::attach(const SchedulerSpec& spec) {
  const LibbpfLog log;
  auto impl = std::make_unique<Impl>();
  auto status = impl->open(spec);
  if (status)
    status = impl->load(log);
  if (status)
    status = impl->locate_state();
  if (status)
    status = impl->attach();
  if (!status)
    return context(spec.path, status.error());
  return SchedulerObject(std::move(impl));
}

SchedulerObject::SchedulerObject(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SchedulerObject::SchedulerObject(SchedulerObject&&) noexcept = default;
SchedulerObject& SchedulerObject::operator=(SchedulerObject&&) noexcept = default;
SchedulerObject::~SchedulerObject() = default;

fief_state* SchedulerObject::state() const {
  return impl_->state;
}

int SchedulerObject::events_fd() const {
  const bpf_map* events = bpf_object__find_map_by_name(impl_->object.get(), "events");
  return events == nullptr ? -1 : bpf_map__fd(events);
}

ExitInfo SchedulerObject::exit_info() const {
  return impl_->exit_info();
}

Counters SchedulerObject::counters() const {
  if (impl_->state == nullptr)
    return {};
  const fief_counters& from = impl_->state->counters;
  return {from.enqueued,    from.direct,          from.reenq_cap,
          from.reenq_immed, from.reenq_preempted, from.rescued};
}

Status SchedulerObject::run_apply(fief_apply_args& args) const {
  return impl_->run("fief_apply", args);
}

Status SchedulerObject::run_observe(fief_apply_args& args) const {
  return impl_->run("fief_observe", args);
}

Status SchedulerObject::run_kill(fief_kill_args& args) const {
  return impl_->run("fief_kill", args);
}

}  // namespace fief
