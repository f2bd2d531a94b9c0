// SPDX-License-Identifier: GPL-2.0-only
#include "support/model_kernel.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "core/cgroup_path.hpp"
#include "kernel/exit_kind.hpp"

namespace fief {
namespace {

// The root is level 0 (SCX_SUB_MAX_DEPTH).
constexpr std::uint32_t kMaxDepth = 4;

bool has_cap(std::uint32_t caps, std::size_t index) {
  return ((caps >> index) & 1U) != 0;
}

ExitInfo by_user_space() {
  return {.kind = exit_kind::kUnregistered,
          .code = 0,
          .reason = "unregistered from user space",
          .message = {},
          .dump = {}};
}

}  // namespace

std::optional<Error> ModelKernel::Faults::take() {
  if (left == 0)
    return std::nullopt;
  --left;
  return error;
}

ModelKernel::ModelKernel(Topology topology, Post post)
    : topology_(std::move(topology)), post_(std::move(post)) {}

Result<Adoption> ModelKernel::adopt() {
  Adoption adoption;
  if (!schedulers_.contains(kSelf)) {
    if (const auto exit = exits_.find(kSelf); exit != exits_.end())
      adoption.root_exit = exit->second;
    requests_.clear();
    exits_.clear();
    return adoption;
  }
  for (const auto& [cgroup, request] : requests_) {
    const AdoptedScheduler adopted{.request = request,
                                   .current = !upgraded_.contains(request.scheduler)};
    if (cgroup == kSelf)
      adoption.root = adopted;
    else
      adoption.children.push_back(adopted);
  }
  return adoption;
}

void ModelKernel::load_root(const Options& options, Done done) {
  if (const auto fault = load_faults_.take())
    return finish(std::move(done), tl::unexpected(*fault));
  static_cast<void>(leave());
  if (const auto fault = root_start_faults_.take())
    return finish(std::move(done), tl::unexpected(*fault));
  ++root_loads_;
  Scheduler root{.path = "/", .parent = kSelf, .name = "fief_root", .held = {}};
  root.held.by_cap.fill(CidSet::first(topology_.nr_cids()));
  schedulers_.emplace(kSelf, std::move(root));
  requests_[kSelf] = {.cgroup = kSelf, .path = "/", .scheduler = "root", .options = options};
  exits_.erase(kSelf);
  upgraded_.erase("root");
  finish(std::move(done), {});
}

Result<SchedulerOptions> ModelKernel::options_of(const std::string& scheduler) const {
  ++option_calls_;
  if (const auto found = find_scheduler(scheduler); !found && scheduler != "root")
    return tl::unexpected(found.error());
  if (!options_)
    return fail(Errc::unsupported, "nobody knows the options of \"{}\"", scheduler);
  return *options_;
}

void ModelKernel::attach(const AttachRequest& request, Done done) {
  ++attach_calls_;
  const auto status = load_and_link(request);
  const auto cgroup = request.cgroup;
  if (status) {
    schedulers_.at(cgroup).in_hand = false;
    requests_.insert_or_assign(cgroup, request);
    upgraded_.erase(request.scheduler);
  }
  change([this, cgroup, done = std::move(done), status] {
    post_([this, cgroup, done, status] {
      if (const auto found = schedulers_.find(cgroup); status && found != schedulers_.end())
        found->second.in_hand = true;
      done(status);
    });
  });
}

Status ModelKernel::load_and_link(const AttachRequest& request) {
  if (const auto fault = child_load_faults_.take())
    return tl::unexpected(*fault);
  if (const auto found = schedulers_.find(request.cgroup);
      requests_.erase(request.cgroup) != 0 && found != schedulers_.end() && !found->second.foreign)
    unlink(request.cgroup, by_user_space());
  if (const auto fault = attach_faults_.take())
    return tl::unexpected(*fault);
  return link(request.cgroup, "fief_" + request.scheduler, false);
}

// At once, or when the hold is lifted.
void ModelKernel::change(std::function<void()> work) {
  if (holding_)
    held_changes_.push_back(std::move(work));
  else
    work();
}

Status ModelKernel::attach_foreign(CgroupId cgroup, const std::string& name) {
  return link(cgroup, name, true);
}

// The checks of the kernel's sub-scheduler enable path, in its order.
Status ModelKernel::link(CgroupId cgroup, const std::string& name, bool foreign) {
  if (!schedulers_.contains(kSelf))
    return fail(Errc::kernel, "no root scheduler is loaded");
  const auto found = cgroups_.find(cgroup);
  if (found == cgroups_.end())
    return fail(Errc::not_found, "cgroup {} does not exist", cgroup.value);
  if (schedulers_.contains(cgroup))
    return fail(Errc::busy, "{} already has a scheduler", found->second);
  for (const auto& [id, scheduler] : schedulers_)
    if (is_below(scheduler.path, found->second))
      return fail(Errc::busy, "a scheduler is attached below {}", found->second);
  const auto parent = parent_scheduler(found->second);
  const auto level = schedulers_.at(parent).level + 1;
  if (level >= kMaxDepth)
    return fail(Errc::kernel, "{} would be nested deeper than {}", found->second, kMaxDepth);
  schedulers_.emplace(cgroup, Scheduler{.path = found->second,
                                        .parent = parent,
                                        .name = name,
                                        .foreign = foreign,
                                        .level = level,
                                        .held = {}});
  exits_.erase(cgroup);
  emit(ChildAttached{parent, cgroup, name});
  return {};
}

CgroupId ModelKernel::parent_scheduler(const std::string& path) const {
  const std::pair<const CgroupId, Scheduler>* nearest = nullptr;
  for (const auto& entry : schedulers_)
    if (is_below(path, entry.second.path) &&
        (nearest == nullptr || entry.second.level > nearest->second.level))
      nearest = &entry;
  return nearest == nullptr ? kSelf : nearest->first;
}

Status ModelKernel::detach(CgroupId cgroup) {
  const auto found = schedulers_.find(cgroup);
  if (cgroup == kSelf)
    return {};
  requests_.erase(cgroup);
  if (found == schedulers_.end() || found->second.foreign)
    return {};
  found->second.in_hand = false;
  change([this, cgroup] { unlink(cgroup, by_user_space()); });
  return {};
}

Status ModelKernel::find_scheduler(const std::string& scheduler) const {
  if (known_ && !known_->contains(scheduler))
    return no_such_scheduler(scheduler, *known_);
  return {};
}

Status ModelKernel::kill(CgroupId cgroup, const std::string& reason) {
  const auto found = schedulers_.find(cgroup);
  if (cgroup == kSelf || found == schedulers_.end())
    return fail(Errc::not_found, "no scheduler is attached to cgroup {}", cgroup.value);
  end_scheduler(cgroup, exit_kind::kKilledByParent, 0, reason);
  return {};
}

Status ModelKernel::leave() {
  requests_.clear();
  unlink(kSelf, by_user_space());
  return {};
}

// Children first, as the kernel drains descendants; the parent hears before the child's exit runs.
void ModelKernel::unlink(CgroupId cgroup, const ExitInfo& exit) {
  const auto found = schedulers_.find(cgroup);
  if (found == schedulers_.end())
    return;
  std::vector<CgroupId> children;
  for (const auto& [id, scheduler] : schedulers_)
    if (id != kSelf && scheduler.parent == cgroup)
      children.push_back(id);
  for (const auto child : children)
    unlink(child, {.kind = exit_kind::kParentExited,
                   .code = 0,
                   .reason = "parent exiting",
                   .message = {},
                   .dump = {}});
  const auto parent = found->second.parent;
  const auto foreign = found->second.foreign;
  schedulers_.erase(found);
  if (cgroup != kSelf)
    emit(ChildDetached{parent, cgroup});
  if (foreign)
    return;
  exits_[cgroup] = exit;
  emit(SchedulerExited{cgroup, exit.kind, exit.code});
}

Result<std::vector<RefusedOp>> ModelKernel::apply(const LevelPlan& level,
                                                  const std::vector<GrantOp>& ops,
                                                  std::uint64_t /*plan_number*/) {
  if (!schedulers_.contains(level.scheduler))
    return fail(Errc::stale, "scheduler {} is gone", level.scheduler.value);
  ++applies_;
  std::vector<RefusedOp> refused_ops;
  for (const auto& op : ops) {
    CidSet refused;
    const auto error = run(level.scheduler, op, refused);
    if (error == EINVAL)
      return fail(Errc::kernel, "the kernel ejected scheduler {}", level.scheduler.value);
    if (error != 0)
      refused_ops.push_back({op, error, refused});
    check_owners(level.scheduler);
  }
  return refused_ops;
}

// Returns a positive errno: ENODEV for a grant to a vanished child (a revoke says nothing), EPERM
// for refused cids, EINVAL (and the caller is gone) for a scheduler that is not the caller's own
// child.
int ModelKernel::run(CgroupId scheduler, const GrantOp& op, CidSet& refused) {
  const auto child = schedulers_.find(op.child);
  if (op.child == kSelf || child == schedulers_.end())
    return op.kind == FIEF_OP_GRANT ? ENODEV : 0;
  if (child->second.parent != scheduler) {
    violations_.push_back(fmt::format("{} is not a child of {}", op.child.value, scheduler.value));
    end_scheduler(scheduler, exit_kind::kError, 0, "not a direct child");
    return EINVAL;
  }
  if (op.kind == FIEF_OP_REVOKE) {
    revoke(op.child, op);
    return 0;
  }
  refused = grant(child->second, op);
  return refused.empty() ? 0 : EPERM;
}

// All or nothing for each cid: the parent must literally hold every cap asked for.
CidSet ModelKernel::grant(Scheduler& child, const GrantOp& op) {
  const auto& parent = schedulers_.at(child.parent);
  auto granted = op.cids;
  for (std::size_t cap = 0; cap < FIEF_NR_CAPS; ++cap)
    if (has_cap(op.caps, cap))
      granted &= parent.held.by_cap.at(cap);
  for (std::size_t cap = 0; cap < FIEF_NR_CAPS; ++cap)
    if (has_cap(op.caps, cap))
      child.held.by_cap.at(cap) |= granted;
  return op.cids - granted;
}

void ModelKernel::revoke(CgroupId child, const GrantOp& op) {
  for (std::size_t cap = 0; cap < FIEF_NR_CAPS; ++cap)
    if (has_cap(op.caps, cap))
      schedulers_.at(child).held.by_cap.at(cap) -= op.cids;
  for (const auto& [id, scheduler] : schedulers_)
    if (id != kSelf && scheduler.parent == child)
      revoke(id, op);
}

void ModelKernel::check_owners(CgroupId scheduler) {
  CidSet owned;
  for (const auto& [id, child] : schedulers_) {
    if (id == kSelf || child.parent != scheduler)
      continue;
    if (owned.intersects(child.held.enq()))
      violations_.push_back(
          fmt::format("{} and another own {}", child.path, (owned & child.held.enq()).to_string()));
    owned |= child.held.enq();
  }
}

Result<Observation> ModelKernel::observe() {
  Observation observation;
  observation.root_enabled = schedulers_.contains(kSelf);
  for (const auto& [id, scheduler] : schedulers_)
    observation.schedulers.push_back({.cgroup = id,
                                      .parent = scheduler.parent,
                                      .name = scheduler.name,
                                      .foreign = scheduler.foreign || !scheduler.in_hand,
                                      .held = scheduler.held});
  return observation;
}

Result<Counters> ModelKernel::counters(CgroupId cgroup) const {
  if (!schedulers_.contains(cgroup))
    return fail(Errc::not_found, "no scheduler is attached to cgroup {}", cgroup.value);
  const auto counted = counters_.find(cgroup);
  return counted == counters_.end() ? Counters{} : counted->second;
}

Result<ExitInfo> ModelKernel::exit_info(CgroupId cgroup) const {
  const auto found = exits_.find(cgroup);
  if (found != exits_.end())
    return found->second;
  if (schedulers_.contains(cgroup))
    return ExitInfo{};
  return fail(Errc::not_found, "no scheduler was attached to cgroup {}", cgroup.value);
}

void ModelKernel::add_cgroup(CgroupId cgroup, std::string path) {
  cgroups_.insert_or_assign(cgroup, std::move(path));
}

void ModelKernel::remove_cgroup(CgroupId cgroup) {
  cgroups_.erase(cgroup);
  end_scheduler(cgroup, exit_kind::kUnregisteredByKernel, exit_kind::kCodeCgroupOffline,
                "cgroup going offline");
}

void ModelKernel::change_weight(CgroupId cgroup, std::uint32_t weight) {
  emit(WeightChanged{cgroup, weight, std::chrono::steady_clock::now()});
}

void ModelKernel::end_scheduler(CgroupId cgroup, std::uint32_t kind, std::int64_t code,
                                std::string message) {
  unlink(cgroup, {.kind = kind,
                  .code = code,
                  .reason = "ended by the model",
                  .message = std::move(message),
                  .dump = {}});
}

void ModelKernel::set_cid_online(Cid cid, bool online) {
  topology_.cids.at(cid.value).online = online;
  emit(CidHotplug{cid, online});
}

void ModelKernel::fail_loads(std::uint32_t count, Error error) {
  load_faults_ = {count, std::move(error)};
}

void ModelKernel::fail_root_starts(std::uint32_t count, Error error) {
  root_start_faults_ = {count, std::move(error)};
}

void ModelKernel::fail_child_loads(std::uint32_t count, Error error) {
  child_load_faults_ = {count, std::move(error)};
}

void ModelKernel::fail_attaches(std::uint32_t count, Error error) {
  attach_faults_ = {count, std::move(error)};
}

void ModelKernel::drop_events(bool drop) {
  dropping_ = drop;
  if (!drop && dropped_ > 0)
    emit(EventsDropped{std::exchange(dropped_, 0)});
}

void ModelKernel::hold_changes(bool hold) {
  holding_ = hold;
  if (hold)
    return;
  for (const auto& work : std::exchange(held_changes_, {}))
    work();
}

void ModelKernel::emit(Event event) {
  if (dropping_) {
    ++dropped_;
    return;
  }
  post_([this, event = std::move(event)] {
    if (sink_)
      sink_(event);
  });
}

void ModelKernel::finish(Done done, Status status) {
  post_([done = std::move(done), status = std::move(status)] { done(status); });
}

}  // namespace fief
