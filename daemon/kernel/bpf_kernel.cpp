// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/bpf_kernel.hpp"

#include <fmt/ranges.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <filesystem>
#include <ranges>
#include <set>
#include <span>

#include "core/log.hpp"
#include "kernel/event_ring.hpp"
#include "kernel/exit_kind.hpp"
#include "kernel/load_record.hpp"
#include "kernel/object_options.hpp"
#include "kernel/pins.hpp"
#include "kernel/probe.hpp"
#include "kernel/sched_ext_sysfs.hpp"
#include "kernel/scheduler_loader.hpp"
#include "kernel/scheduler_object.hpp"
#include "kernel/state_codec.hpp"

namespace fief {
namespace {

/// Gives the calling thread the main thread's scheduling class: the loader must not be starved by
/// the very schedulers it loads.
void adopt_main_thread_priority() {
  sched_param parameters{};
  const int policy = sched_getscheduler(getpid());
  if (policy < 0 || sched_getparam(getpid(), &parameters) != 0)
    return;
  (void)pthread_setschedparam(pthread_self(), policy, &parameters);
}

/// The schedulers that can be attached to a cgroup, by name.
std::set<std::string> schedulers_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const auto file = entries->path().filename().string();
    if (file.ends_with(kObjectSuffix) && !file.starts_with("root."))
      names.insert(file.substr(0, file.size() - kObjectSuffix.size()));
  }
  return names;
}

Result<SchedulerObject> load_and_attach(const SchedulerSpec& spec,
                                        const std::function<Status()>& make_room) {
  auto loader = SchedulerLoader::load(spec);
  if (!loader)
    return tl::unexpected(loader.error());
  if (const auto room = make_room(); !room)
    return tl::unexpected(room.error());
  return std::move(*loader).attach();
}

// Deepest first: a parent that ends takes those below it along as if they had failed. Goes on after
// a failure, and tells of the first.
Status end_pinned_schedulers(const std::string& pin_dir) {
  std::vector<CgroupId> order;
  const auto attached = SchedExtSysfs{}.schedulers();
  for (const auto& scheduler : attached | std::views::reverse)
    if (scheduler.cgroup != kSelf)
      order.push_back(scheduler.cgroup);
  for (const auto cgroup : pinned_schedulers(pin_dir) | std::views::reverse)
    order.push_back(cgroup);
  Status outcome;
  for (const auto cgroup : order)
    if (const auto ended = PinDirectory(pin_dir, cgroup).end(); !ended && outcome)
      outcome = ended;
  return outcome;
}

class BpfKernel final : public KernelPort {
 public:
  BpfKernel(boost::asio::io_context& loop, BpfKernelConfig config)
      : loop_(loop), config_(std::move(config)) {}
  BpfKernel(const BpfKernel&) = delete;
  BpfKernel& operator=(const BpfKernel&) = delete;
  ~BpfKernel() override { worker_.join(); }

  Status probe() override;
  void set_event_sink(EventSink sink) override { sink_ = std::move(sink); }
  Result<Adoption> adopt() override;
  void load_root(const Options& options, Done done) override;
  [[nodiscard]] const Topology& topology() const override { return topology_; }
  void attach(const AttachRequest& request, Done done) override;
  Status detach(CgroupId cgroup) override;
  [[nodiscard]] Status find_scheduler(const std::string& scheduler) const override;
  [[nodiscard]] std::optional<SchedulerOptions> options_of(
      const std::string& scheduler) const override;
  Status kill(CgroupId cgroup, const std::string& reason) override;
  Status leave() override;
  Result<std::vector<RefusedOp>> apply(const LevelPlan& level, const std::vector<GrantOp>& ops,
                                       std::uint64_t plan_number) override;
  Result<Observation> observe() override;
  [[nodiscard]] Result<Counters> counters(CgroupId cgroup) const override;
  [[nodiscard]] Result<ExitInfo> exit_info(CgroupId cgroup) const override;

 private:
  using Attached = std::function<Status(Result<SchedulerObject>)>;
  using MakeRoom = std::function<Status()>;
  void attach_on_worker(SchedulerSpec spec, MakeRoom make_room, Attached attached, Done done);
  [[nodiscard]] std::string object_path(const std::string& scheduler) const;
  [[nodiscard]] PinDirectory pins(CgroupId cgroup) const { return {config_.pin_dir, cgroup}; }
  Status take_root(SchedulerObject object);
  void forget_all();
  void adopt_children(Adoption& adoption);
  [[nodiscard]] AdoptedScheduler adopted(const SchedulerObject& object) const;
  [[nodiscard]] Plan plan_in_force() const;
  [[nodiscard]] Result<const SchedulerObject*> find(CgroupId cgroup) const;
  [[nodiscard]] const fief_slot* account_of(CgroupId cgroup) const;
  static Status run_ops(const SchedulerObject& parent, std::span<const GrantOp> ops,
                        fief_apply_args args, std::vector<RefusedOp>& refused);
  Status observe_children(CgroupId parent, Observation& observation);
  [[nodiscard]] Result<const SchedulerObject*> find_parent(CgroupId scheduler) const;
  [[nodiscard]] CgroupId parent_of(CgroupId cgroup);
  void report_dropped_events();

  boost::asio::io_context& loop_;
  BpfKernelConfig config_;
  UniqueFd lock_;  // of the pins
  SchedExtSysfs sysfs_;
  EventSink sink_;
  Topology topology_;
  std::optional<SchedulerObject> root_;
  std::map<CgroupId, SchedulerObject> children_;
  std::unique_ptr<EventRing> ring_;
  std::map<CgroupId, SlotTable> slots_;  // by the scheduler that divides
  std::uint64_t dropped_events_ = 0;
  boost::asio::thread_pool worker_{1};  // last: joined before what its jobs use goes
};

std::string BpfKernel::object_path(const std::string& scheduler) const {
  return fief::object_path(config_.object_dir, scheduler);
}

std::optional<SchedulerOptions> BpfKernel::options_of(const std::string& scheduler) const {
  return options_in_directory(config_.object_dir)(scheduler);
}

Status BpfKernel::probe() {
  if (const auto usable = probe_kernel(sysfs_, pins(kSelf).holds_link()); !usable)
    return usable;
  if (lock_)
    return {};
  auto lock = lock_pins(config_.pin_dir);
  if (!lock)
    return tl::unexpected(lock.error());
  lock_ = std::move(*lock);
  return {};
}

// The work guard keeps the loop running until the outcome has been handed over.
void BpfKernel::attach_on_worker(SchedulerSpec spec, MakeRoom make_room, Attached attached,
                                 Done done) {
  auto guard = boost::asio::make_work_guard(loop_);
  boost::asio::post(worker_, [this, spec = std::move(spec), make_room = std::move(make_room),
                              attached = std::move(attached), done = std::move(done),
                              guard = std::move(guard)]() mutable {
    adopt_main_thread_priority();
    auto object = std::make_shared<Result<SchedulerObject>>(load_and_attach(spec, make_room));
    boost::asio::post(loop_, [object, attached = std::move(attached), done = std::move(done),
                              guard = std::move(guard)] { done(attached(std::move(*object))); });
  });
}

// What is replaced goes only when its successor has been verified.
void BpfKernel::load_root(const Options& options, Done done) {
  attach_on_worker(
      {.file = object_path("root"),
       .request = {.cgroup = kSelf, .path = "/", .scheduler = "root", .options = options},
       .pins = pins(kSelf)},
      [directory = config_.pin_dir] { return end_pinned_schedulers(directory); },
      [this](Result<SchedulerObject> object) -> Status {
        if (!object)
          return tl::unexpected(object.error());
        return take_root(std::move(*object));
      },
      std::move(done));
}

Status BpfKernel::take_root(SchedulerObject object) {
  if (object.state() == nullptr)
    return fail(Errc::invalid, "{} is not fief's root scheduler", object_path("root"));
  forget_all();
  auto ring = EventRing::open(loop_, object.events_fd(), [this](const Event& event) {
    report_dropped_events();
    sink_(event);
  });
  if (!ring)
    return tl::unexpected(ring.error());
  root_ = std::move(object);
  ring_ = std::move(*ring);
  topology_ = topology_from_state(*root_->state());
  return {};
}

// Lets go of everything; what is attached stays so.
void BpfKernel::forget_all() {
  ring_.reset();
  children_.clear();
  slots_.clear();
  root_.reset();
  dropped_events_ = 0;
}

Result<Adoption> BpfKernel::adopt() {
  Adoption adoption;
  if (pinned_schedulers(config_.pin_dir).empty())
    return adoption;
  auto root = SchedulerObject::open(pins(kSelf));
  const auto exit = root ? root->exit_info() : ExitInfo{};
  if (root && exit.kind == exit_kind::kNone) {
    adoption.root = adopted(*root);
    if (const auto taken = take_root(std::move(*root)); !taken)
      return tl::unexpected(taken.error());
    adopt_children(adoption);
    adoption.plan = plan_in_force();
    return adoption;
  }
  if (root)
    adoption.root_exit = exit;
  else
    adoption.discarded.push_back(fmt::format("the root scheduler: {}", root.error().message));
  // Nothing stands without its root.
  if (const auto ended = end_pinned_schedulers(config_.pin_dir); !ended)
    return tl::unexpected(ended.error());
  return adoption;
}

// One that has ended meanwhile is taken as well: its record says how.
void BpfKernel::adopt_children(Adoption& adoption) {
  for (const auto cgroup : pinned_schedulers(config_.pin_dir)) {
    if (cgroup == kSelf)
      continue;
    auto object = SchedulerObject::open(pins(cgroup));
    if (object) {
      adoption.children.push_back(adopted(*object));
      if (object->state() != nullptr)
        slots_.insert_or_assign(cgroup, SlotTable(*object->state()));
      children_.insert_or_assign(cgroup, std::move(*object));
      continue;
    }
    // Without a link it is what a daemon left that was killed while it attached or detached.
    if (object.error().code != Errc::not_found)
      adoption.discarded.push_back(
          fmt::format("the scheduler of cgroup {}: {}", cgroup.value, object.error().message));
    if (const auto ended = pins(cgroup).end(); !ended)
      adoption.discarded.push_back(ended.error().message);
  }
  slots_.insert_or_assign(kSelf, SlotTable(*root_->state()));
}

AdoptedScheduler BpfKernel::adopted(const SchedulerObject& object) const {
  const auto& record = object.record();
  const auto checksum = checksum_of_file(object_path(record.request.scheduler));
  return {.request = record.request, .current = checksum && *checksum == record.checksum};
}

Plan BpfKernel::plan_in_force() const {
  Plan plan{.number = root_->state()->plan_number, .levels = {}, .memory = {}};
  plan.levels.push_back(level_from_state(*root_->state()));
  for (const auto& [cgroup, child] : children_)
    if (child.state() != nullptr && child.state()->nr_slots > 1)
      plan.levels.push_back(level_from_state(*child.state()));
  return plan;
}

void BpfKernel::attach(const AttachRequest& request, Done done) {
  // Its pins stand where those of the new one would.
  if (children_.contains(request.cgroup)) {
    boost::asio::post(loop_, [done = std::move(done)] {
      done(fail(Errc::busy, "another scheduler is attached there already"));
    });
    return;
  }
  attach_on_worker(
      {.file = object_path(request.scheduler),
       .request = request,
       .pins = pins(request.cgroup),
       .shared = root_ ? root_->shared_maps() : SharedMaps{}},
      [] { return Status{}; },
      [this, cgroup = request.cgroup](Result<SchedulerObject> object) -> Status {
        if (!object)
          return tl::unexpected(object.error());
        slots_.erase(cgroup);
        children_.insert_or_assign(cgroup, std::move(*object));
        return {};
      },
      std::move(done));
}

// Detaching waits for the kernel to hand every task over: on the worker, too.
Status BpfKernel::detach(CgroupId cgroup) {
  auto found = children_.extract(cgroup);
  if (found.empty())
    return {};
  slots_.erase(cgroup);
  auto object = std::make_shared<SchedulerObject>(std::move(found.mapped()));
  boost::asio::post(worker_, [object = std::move(object)] {
    adopt_main_thread_priority();
    if (const auto ended = std::move(*object).end(); !ended)
      log::error({}, "{}", ended.error().message);
  });
  return {};
}

Status BpfKernel::find_scheduler(const std::string& scheduler) const {
  std::error_code error;
  if (std::filesystem::is_regular_file(object_path(scheduler), error))
    return {};
  return fail(Errc::not_found, "there is no scheduler \"{}\"; there are {}", scheduler,
              fmt::join(schedulers_in(config_.object_dir), ", "));
}

CgroupId BpfKernel::parent_of(CgroupId cgroup) {
  const auto all = sysfs_.schedulers();
  const auto found = std::ranges::find(all, cgroup, &SysfsScheduler::cgroup);
  return found == all.end() ? kSelf : found->parent;
}

// Only its own parent may end a child: asked for any other, the kernel ends the one who asks.
Status BpfKernel::kill(CgroupId cgroup, const std::string& reason) {
  const auto parent = find_parent(parent_of(cgroup));
  if (!parent)
    return tl::unexpected(parent.error());
  fief_kill_args args{};
  args.cgroup_id = cgroup.value;
  reason.copy(args.reason, sizeof(args.reason) - 1);
  if (const auto status = (*parent)->run_kill(args); !status)
    return status;
  if (args.result == -ENODEV)
    return fail(Errc::not_found, "no scheduler is attached to cgroup {}", cgroup.value);
  if (args.result != 0)
    return fail(Errc::kernel, "the kernel did not end the scheduler of cgroup {}: errno {}",
                cgroup.value, -args.result);
  return {};
}

Status BpfKernel::leave() {
  forget_all();
  return end_pinned_schedulers(config_.pin_dir);
}

Result<std::vector<RefusedOp>> BpfKernel::apply(const LevelPlan& level,
                                                const std::vector<GrantOp>& ops,
                                                std::uint64_t plan_number) {
  const auto found = find_parent(level.scheduler);
  if (!found)
    return tl::unexpected(found.error());
  const SchedulerObject& parent = **found;
  auto& slots = slots_[level.scheduler];
  if (const auto status = slots.update(level); !status)
    return tl::unexpected(status.error());
  fief_state& state = *parent.state();
  if (const auto status = write_cid_plans(level, slots, state); !status)
    return tl::unexpected(status.error());

  const fief_apply_args args{.nr_ops = 0,
                             .nr_slots = slots.write(level, state),
                             .plan_number = plan_number,
                             .result = 0,
                             .failed_ops = 0};
  std::vector<RefusedOp> refused;
  std::span<const GrantOp> rest(ops);
  do {
    const auto batch = rest.first(std::min<std::size_t>(rest.size(), FIEF_MAX_OPS));
    if (const auto status = run_ops(parent, batch, args, refused); !status)
      return tl::unexpected(status.error());
    rest = rest.subspan(batch.size());
  } while (!rest.empty());
  return refused;
}

Status BpfKernel::run_ops(const SchedulerObject& parent, std::span<const GrantOp> ops,
                          fief_apply_args args, std::vector<RefusedOp>& refused) {
  fief_state& state = *parent.state();
  for (std::size_t i = 0; i < ops.size(); ++i)
    write_op(ops[i], state.ops[i]);
  args.nr_ops = static_cast<__u32>(ops.size());
  if (const auto status = parent.run_apply(args); !status)
    return status;
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (state.ops[i].result != 0)
      refused.push_back({ops[i], -state.ops[i].result, from_abi(state.ops[i].refused)});
  return {};
}

Result<Observation> BpfKernel::observe() {
  Observation observation;
  for (auto& found : sysfs_.schedulers()) {
    const bool foreign = found.cgroup != kSelf && !children_.contains(found.cgroup);
    observation.schedulers.push_back(
        {found.cgroup, found.parent, std::move(found.name), foreign, {}});
  }
  std::ranges::sort(observation.schedulers, {}, &ObservedScheduler::cgroup);
  const auto state = sysfs_.state();
  observation.root_enabled = root_ && state && *state == "enabled";
  if (!observation.root_enabled)
    return observation;
  std::set<CgroupId> parents{kSelf};
  for (const auto& scheduler : observation.schedulers)
    parents.insert(scheduler.parent);
  for (const auto parent : parents)
    if (const auto status = observe_children(parent, observation); !status)
      return tl::unexpected(status.error());
  topology_ = topology_from_state(*root_->state());
  report_dropped_events();
  return observation;
}

// Only a scheduler of fief's can be asked what its children hold. One that is just going answers
// nothing, and its children go with it.
Status BpfKernel::observe_children(CgroupId parent, Observation& observation) {
  const auto found = find_parent(parent);
  if (!found)
    return {};
  std::vector<ObservedScheduler*> children;
  for (auto& scheduler : observation.schedulers)
    if (scheduler.parent == parent && scheduler.cgroup != kSelf)
      children.push_back(&scheduler);
  if (children.size() >= FIEF_MAX_SLOTS)
    return fail(Errc::infeasible, "{} children below one scheduler; at most {} are served",
                children.size(), FIEF_MAX_SLOTS - 1);
  fief_state& state = *(*found)->state();
  for (std::size_t i = 0; i < children.size(); ++i)
    state.staged_slots[i + 1].cgroup_id = children[i]->cgroup.value;
  fief_apply_args args{};
  args.nr_slots = static_cast<__u32>(children.size() + 1);
  if (const auto status = (*found)->run_observe(args); !status)
    return parent == kSelf ? status : Status{};
  // A child that went in between answers -ENODEV and is shown with nothing.
  for (std::size_t i = 0; i < children.size(); ++i)
    if (state.caps[i + 1].result == 0)
      children[i]->held = held_from_view(state.caps[i + 1]);
  if (parent == kSelf)
    observation.schedulers.front().held = held_from_view(state.caps[FIEF_SLOT_SELF]);
  return {};
}

void BpfKernel::report_dropped_events() {
  std::uint64_t dropped = root_ ? root_->state()->counters.events_dropped : 0;
  for (const auto& [cgroup, child] : children_)
    if (child.state() != nullptr)
      dropped += child.state()->counters.events_dropped;
  if (dropped > dropped_events_ && sink_)
    sink_(EventsDropped{dropped - dropped_events_});
  dropped_events_ = dropped;
}

Result<const SchedulerObject*> BpfKernel::find(CgroupId cgroup) const {
  if (cgroup == kSelf && root_)
    return &*root_;
  const auto found = children_.find(cgroup);
  if (found == children_.end())
    return fail(Errc::not_found, "no scheduler of fief's is attached to cgroup {}", cgroup.value);
  return &found->second;
}

Result<const SchedulerObject*> BpfKernel::find_parent(CgroupId scheduler) const {
  auto found = find(scheduler);
  if (!found)
    return fail(Errc::stale, "no scheduler of fief's is attached to {}",
                scheduler == kSelf ? "the root" : fmt::format("cgroup {}", scheduler.value));
  if ((*found)->state() == nullptr)
    return fail(Errc::unsupported, "the scheduler of cgroup {} does not divide its CPUs",
                scheduler.value);
  return found;
}

/// The account of a scheduler in the table of the one above it; nullptr if no scheduler of fief's
/// has one.
const fief_slot* BpfKernel::account_of(CgroupId cgroup) const {
  const auto in = [cgroup](const SchedulerObject& above) -> const fief_slot* {
    if (above.state() == nullptr)
      return nullptr;
    const auto& state = *above.state();
    const std::span slots(state.slots, std::min<std::size_t>(state.nr_slots, FIEF_MAX_SLOTS));
    const auto found = std::ranges::find_if(slots, [cgroup](const fief_slot& slot) {
      return slot.participant.cgroup_id == cgroup.value;
    });
    return found == slots.end() ? nullptr : &*found;
  };
  if (!root_)
    return nullptr;
  if (const auto* account = in(*root_))
    return account;
  for (const auto& [above, child] : children_)
    if (const auto* account = cgroup == kSelf ? nullptr : in(child))
      return account;
  return nullptr;
}

Result<Counters> BpfKernel::counters(CgroupId cgroup) const {
  const auto object = find(cgroup);
  const auto* account = account_of(cgroup);
  if (!object && account == nullptr)
    return tl::unexpected(object.error());
  auto counters = object ? (*object)->counters() : Counters{};
  if (account != nullptr) {
    counters.borrowed_ns = account->borrowed_ns;
    counters.lent_ns = account->lent_ns;
  }
  return counters;
}

Result<ExitInfo> BpfKernel::exit_info(CgroupId cgroup) const {
  return find(cgroup).map([](const SchedulerObject* object) { return object->exit_info(); });
}

}  // namespace

Status end_left_schedulers(const std::string& pin_dir) {
  const auto lock = lock_pins(pin_dir);
  return lock ? end_pinned_schedulers(pin_dir) : tl::unexpected(lock.error());
}

std::unique_ptr<KernelPort> make_bpf_kernel(boost::asio::io_context& loop, BpfKernelConfig config) {
  return std::make_unique<BpfKernel>(loop, std::move(config));
}

}  // namespace fief
