// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/bpf_kernel.hpp"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "kernel/adoption.hpp"
#include "kernel/apply.hpp"
#include "kernel/attached_schedulers.hpp"
#include "kernel/event_ring.hpp"
#include "kernel/leave.hpp"
#include "kernel/object_options.hpp"
#include "kernel/observer.hpp"
#include "kernel/pins.hpp"
#include "kernel/probe.hpp"
#include "kernel/state_codec.hpp"
#include "kernel/worker.hpp"

namespace fief {
namespace {

class BpfKernel final : public KernelPort {
 public:
  BpfKernel(boost::asio::io_context& loop, BpfKernelConfig config)
      : loop_(loop),
        where_{.objects = std::move(config.object_dir), .pins = std::move(config.pin_dir)},
        worker_(loop) {}

  Status probe() override;
  void set_event_sink(EventSink sink) override { sink_ = std::move(sink); }
  void take_events() override {
    if (ring_)
      ring_->take();
  }
  Result<Adoption> adopt() override;
  void load_root(const Options& options, Done done) override;
  [[nodiscard]] const Topology& topology() const override { return topology_; }
  void expect(const std::vector<AttachRequest>& soon) override;
  void attach(const AttachRequest& request, Done done) override;
  Status detach(CgroupId cgroup) override;
  [[nodiscard]] Status find_scheduler(const std::string& scheduler) const override;
  [[nodiscard]] Result<SchedulerOptions> options_of(const std::string& scheduler) const override;
  Status kill(CgroupId cgroup, const std::string& reason) override;
  Status leave() override;
  Result<std::vector<RefusedOp>> apply(const LevelPlan& level, const std::vector<GrantOp>& ops,
                                       std::uint64_t plan_number) override;
  Result<Observation> observe() override;
  [[nodiscard]] Result<Counters> counters(CgroupId cgroup) const override;
  [[nodiscard]] Result<ExitInfo> exit_info(CgroupId cgroup) const override;

 private:
  [[nodiscard]] std::string file_of(const std::string& scheduler) const;
  [[nodiscard]] SchedulerSpec spec_of(const AttachRequest& request) const;
  [[nodiscard]] PinDirectory pins(CgroupId cgroup) const { return {where_.pins, cgroup}; }
  Status take_root(SchedulerObject object);
  void take_topology(Topology topology);
  void forget_all();
  void report_dropped_events();

  boost::asio::io_context& loop_;
  Directories where_;
  UniqueFd lock_;  // of the pins
  Observer observer_;
  EventSink sink_;
  Topology topology_;
  AttachedSchedulers schedulers_;
  std::unique_ptr<EventRing> ring_;
  std::uint64_t dropped_events_ = 0;
  Worker worker_;  // last: it ends before what its jobs use goes
};

std::string BpfKernel::file_of(const std::string& scheduler) const {
  return object_path(where_.objects, scheduler);
}

Result<SchedulerOptions> BpfKernel::options_of(const std::string& scheduler) const {
  return options_in_directory(where_.objects, FileTrust::root_only)(scheduler);
}

Status BpfKernel::probe() {
  if (const auto usable = probe_kernel(observer_.sysfs(), pins(kSelf).holds_link()); !usable)
    return usable;
  if (lock_)
    return {};
  auto lock = lock_pins(where_.pins);
  if (!lock)
    return tl::unexpected(lock.error());
  lock_ = std::move(*lock);
  return {};
}

// What is replaced goes only when its successor has been verified.
void BpfKernel::load_root(const Options& options, Done done) {
  worker_.attach(
      {.file = file_of("root"),
       .request = {.cgroup = kSelf, .path = "/", .scheduler = "root", .options = options},
       .pins = pins(kSelf)},
      [directory = where_.pins] { return end_pinned_schedulers(directory); },
      [this, done = std::move(done)](Result<SchedulerObject> object) {
        done(object ? take_root(std::move(*object)) : tl::unexpected(object.error()));
      });
}

Status BpfKernel::take_root(SchedulerObject object) {
  if (object.state() == nullptr)
    return fail(Errc::invalid, "{} is not fief's root scheduler", file_of("root"));
  forget_all();
  auto ring = EventRing::open(loop_, object.events_fd(), [this](const Event& event) {
    report_dropped_events();
    sink_(event);
  });
  if (!ring)
    return tl::unexpected(ring.error());
  ring_ = std::move(*ring);
  take_topology(topology_from_state(*object.state()));
  schedulers_.put_root(std::move(object));
  return {};
}

// The kernel side knows no capacities. They are read afresh only when CPUs come or go.
void BpfKernel::take_topology(Topology topology) {
  if (topology.nr_cids() == topology_.nr_cids() && topology.online() == topology_.online())
    for (std::size_t cid = 0; cid < topology.cids.size(); ++cid)
      topology.cids[cid].capacity = topology_.cids[cid].capacity;
  else
    read_capacities(topology);
  topology_ = std::move(topology);
}

// Lets go of everything; what is attached stays so.
void BpfKernel::forget_all() {
  ring_.reset();
  schedulers_.clear();
  dropped_events_ = 0;
}

Result<Adoption> BpfKernel::adopt() {
  auto left = open_left_root(where_);
  if (!left)
    return tl::unexpected(left.error());
  auto& adoption = left->adoption;
  if (!left->root)
    return std::move(adoption);
  if (const auto taken = take_root(std::move(*left->root)); !taken)
    return tl::unexpected(taken.error());
  adopt_left_children(where_, schedulers_, adoption);
  schedulers_.adopt_slots_of_root();
  adoption.plan = schedulers_.plan_in_force();
  return std::move(adoption);
}

SchedulerSpec BpfKernel::spec_of(const AttachRequest& request) const {
  const auto* root = schedulers_.root();
  return {.file = file_of(request.scheduler),
          .request = request,
          .pins = pins(request.cgroup),
          .shared = root != nullptr ? root->shared_maps() : SharedMaps{}};
}

void BpfKernel::expect(const std::vector<AttachRequest>& soon) {
  std::vector<SchedulerSpec> specs;
  specs.reserve(soon.size());
  for (const auto& request : soon)
    specs.push_back(spec_of(request));
  worker_.expect(specs);
}

// What is replaced goes only when its successor has been verified.
void BpfKernel::attach(const AttachRequest& request, Done done) {
  worker_.attach(
      spec_of(request), [pins = pins(request.cgroup)] { return pins.end(); },
      [this, cgroup = request.cgroup, done = std::move(done)](Result<SchedulerObject> object) {
        if (!object)
          return done(tl::unexpected(object.error()));
        schedulers_.put_child(cgroup, std::move(*object));
        done({});
      });
}

// Detaching waits for the kernel to hand every task over: on the worker, too.
Status BpfKernel::detach(CgroupId cgroup) {
  if (auto object = schedulers_.take_child(cgroup))
    worker_.detach(std::move(*object));
  return {};
}

Status BpfKernel::find_scheduler(const std::string& scheduler) const {
  std::error_code error;
  if (std::filesystem::is_regular_file(file_of(scheduler), error))
    return {};
  return no_such_scheduler(scheduler, schedulers_in(where_.objects));
}

// Only its own parent may end a child: asked for any other, the kernel ends the one who asks.
Status BpfKernel::kill(CgroupId cgroup, const std::string& reason) {
  const auto parent = schedulers_.find_parent(observer_.parent_of(cgroup));
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
  return end_pinned_schedulers(where_.pins);
}

Result<std::vector<RefusedOp>> BpfKernel::apply(const LevelPlan& level,
                                                const std::vector<GrantOp>& ops,
                                                std::uint64_t plan_number) {
  const auto parent = schedulers_.find_parent(level.scheduler);
  if (!parent)
    return tl::unexpected(parent.error());
  return apply_level(**parent, schedulers_.slots_of(level.scheduler), level, ops, plan_number);
}

Result<Observation> BpfKernel::observe() {
  auto observation = observer_.observe(schedulers_);
  if (!observation || !observation->root_enabled)
    return observation;
  take_topology(topology_from_state(*schedulers_.root()->state()));
  report_dropped_events();
  return observation;
}

void BpfKernel::report_dropped_events() {
  const auto dropped = schedulers_.events_dropped();
  if (dropped > dropped_events_ && sink_)
    sink_(EventsDropped{dropped - dropped_events_});
  dropped_events_ = dropped;
}

Result<Counters> BpfKernel::counters(CgroupId cgroup) const {
  auto counters = schedulers_.counters(cgroup);
  if (counters)
    counters->denied = observer_.sysfs().denied(cgroup);
  return counters;
}

Result<ExitInfo> BpfKernel::exit_info(CgroupId cgroup) const {
  return schedulers_.find(cgroup).map(
      [](const SchedulerObject* object) { return object->exit_info(); });
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
