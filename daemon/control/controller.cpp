// SPDX-License-Identifier: GPL-2.0-only
// The controller's life: policy, root scheduler, events. The crank is in turn.cpp.
#include "control/controller.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "control/compare.hpp"
#include "control/exits.hpp"
#include "control/planning.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "kernel/exit_kind.hpp"

namespace fief {

namespace {

constexpr std::chrono::seconds kRootRecordWait{5};
// The kernel tells of a CPU that comes or goes before it adjusts the cpusets, which takes it some
// milliseconds and is told to nobody.
constexpr std::chrono::milliseconds kCpusetsFollow{500};

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string delegations_in(const Policy& written) {
  const auto patterns = written.patterns.size();
  return counted(written.delegations.size(), "delegation") +
         (patterns == 0 ? "" : " and " + counted(patterns, "pattern"));
}

}  // namespace

bool is_final(Errc code) {
  return code == Errc::unsupported || code == Errc::denied || code == Errc::busy ||
         code == Errc::invalid;
}

Controller::Controller(boost::asio::io_context& io, KernelPort& kernel, CgroupWatcher& watcher,
                       ControllerConfig config, ControllerHooks hooks)
    : io_(io),
      kernel_(kernel),
      watcher_(watcher),
      config_(std::move(config)),
      hooks_(std::move(hooks)),
      timer_(io),
      random_(std::random_device{}()),
      options_([this](const std::string& scheduler) { return kernel_.options_of(scheduler); }),
      children_(kernel, [this] { return std::uniform_real_distribution<>{}(random_); }) {}

void Controller::start() {
  kernel_.set_event_sink([this](const Event& event) { handle(event); });
  policy_files_ = config_.policy_files();
  auto read = read_layers();
  const auto policy = read.and_then(
      [this](const ReadLayers& found) { return effective_policy(found.layers, options_); });
  if (policy) {
    adopt(std::move(read->layers), *policy);
    policy_is_sound_ = true;
    log::info({.message_id = message::kPolicyLoaded}, "the policy has {}",
              delegations_in(resolver_.written()));
  } else {
    log_faults(policy.error());
    start_with_faults(std::move(read));
  }
  take_over();
}

// Options that a scheduler refuses are its own delegation's misfortune: an upgrade that takes an
// option away must not take everybody's CPUs.
void Controller::start_with_faults(tl::expected<ReadLayers, std::vector<PolicyFault>> read) {
  if (start_with_kept())
    return;
  const auto policy =
      read.and_then([](const ReadLayers& found) { return effective_policy(found.layers); });
  if (policy)
    adopt(std::move(read->layers), *policy);
  else
    log::warning({.message_id = message::kPolicyRefused},
                 "running without a policy until its faults are mended and it is reloaded");
}

// False if there is none. What it says of options is left to the schedulers: it was good once.
bool Controller::start_with_kept() {
  if (!config_.kept)
    return false;
  auto files = config_.kept->read();
  if (!files) {
    if (files.error().code != Errc::not_found)
      log::warning({.message_id = message::kPolicyRefused}, "no last good policy can be read: {}",
                   files.error().message);
    return false;
  }
  PolicyLayers layers{.files = std::move(*files), .runtime = {}};
  const auto policy = effective_policy(layers);
  if (!policy) {
    log::warning({.message_id = message::kPolicyRefused},
                 "the last good policy is none for this version of fief: {}",
                 format_faults(policy.error()));
    return false;
  }
  adopt(std::move(layers), *policy);
  policy_is_kept_ = true;
  log::warning({.message_id = message::kPolicyKept},
               "the last policy that was good, with {}, stays in force until the faults are mended "
               "and it is reloaded",
               delegations_in(resolver_.written()));
  return true;
}

// For the next start. Not before the root that it asks for is there: that may refuse its options.
void Controller::keep_policy() {
  if (!config_.kept || !policy_is_sound_ || !root_refusal_.empty())
    return;
  if (const auto written = config_.kept->write(layers_.files); !written)
    log::warning({.message_id = message::kPolicyLoaded},
                 "the policy is in force, but not kept for a start that finds a faulty one: {}",
                 written.error().message);
}

void Controller::take_over() {
  const auto adoption = kernel_.adopt();
  if (!adoption) {
    log::error({.message_id = message::kNotAdopted},
               "what an earlier daemon left attached is replaced: {}", adoption.error().message);
    return load_root();
  }
  for (const auto& what : adoption->discarded)
    log::warning({.message_id = message::kNotAdopted},
                 "what an earlier daemon left attached is replaced: {}", what);
  if (adoption->root_exit)
    log_root_exit(*adoption->root_exit);
  const auto& root = adoption->root;
  if (root)
    good_root_options_ = root->request.options;
  if (root && root->current && root->request.options == resolver_.written().root.options)
    return adopt_schedulers(*adoption);
  if (root)
    log::notice(
        {.message_id = message::kNotAdopted, .scheduler = "root"},
        "the root scheduler that an earlier daemon left attached is replaced: its {} changed",
        root->current ? "options have" : "object file has");
  if (root)
    left_ = *adoption;
  load_root();
}

void Controller::adopt_schedulers(const Adoption& adoption) {
  root_options_ = adoption.root->request.options;
  children_.adopt(adoption.children);
  plan_ = adoption.plan;
  phase_ = Phase::running;
  keep_policy();
  log::info({.message_id = message::kAdopted},
            "going on with the root scheduler and {} that an earlier daemon attached",
            counted(adoption.children.size(), "scheduler"));
  ask_for_turn();
}

Status Controller::stop(Leaving leaving) {
  phase_ = Phase::stopped;
  timer_.cancel();
  answer_all(fail(Errc::stale, "the daemon is stopping"));
  const auto left = leaving == Leaving::for_good ? kernel_.leave() : Status{};
  for (const auto& [cgroup, scheduler] : std::exchange(announced_, {}))
    if (listener_ != nullptr)
      listener_->scheduler_detached(scheduler, "daemon-stopping");
  observation_ = {};
  if (listener_ != nullptr)
    listener_->status_changed();
  return left;
}

void Controller::load_root() {
  wanted_root_options_ = resolver_.written().root.options;
  load_root_with(wanted_root_options_);
}

void Controller::load_root_with(const Options& options) {
  phase_ = Phase::loading;
  root_due_.reset();
  hooks_.progress("loading the root scheduler");
  root_options_ = options;
  kernel_.load_root(root_options_, [this](const Status& outcome) { root_loaded(outcome); });
}

void Controller::root_loaded(const Status& outcome) {
  // Stopped meanwhile: what came up after leave() must go as well.
  if (phase_ == Phase::stopped) {
    static_cast<void>(kernel_.leave());
    return;
  }
  if (!outcome)
    return root_refused(outcome.error());
  // Those below the root that it replaced went with that one.
  forget_schedulers("requested");
  good_root_options_ = root_options_;
  left_.reset();
  if (resolver_.written().root.options != wanted_root_options_)
    return load_root();
  before_.reset();
  root_.succeeded();
  phase_ = Phase::running;
  keep_policy();
  cpusets_due_ = std::chrono::steady_clock::now();  // hotplug may be why there is another root
  ask_for_turn();
}

// A root is verified before the one that it replaces goes, so that one may well be there still.
void Controller::root_refused(const Error& error) {
  if (resolver_.written().root.options != wanted_root_options_)
    return load_root();
  const auto observation = kernel_.observe();
  const bool stands = observation && observation->root_enabled;
  if (!stands) {
    forget_schedulers("requested");
    left_.reset();
  }
  const bool may_be_options = error.code == Errc::invalid || error.code == Errc::kernel;
  if (!stands && (!may_be_options || root_options_ == good_root_options_)) {
    if (!was_ready_ || is_final(error.code))
      return give_up(error.code, error.message);
    return retry_root(error.message);
  }
  root_refusal_ = "the root scheduler is not the one that the policy asks for: " + error.message;
  log::error(
      {.message_id = message::kRootRefused, .scheduler = "root"}, "{}; {}", root_refusal_,
      stands ? "the one before goes on" : "it is loaded with the options that it had before");
  if (auto layers = std::exchange(before_, std::nullopt)) {
    policy_error_ = root_refusal_;
    if (const auto policy = effective_policy(*layers))
      adopt(std::move(*layers), *policy);
    wanted_root_options_ = resolver_.written().root.options;
  }
  return stands ? go_on_with_old_root() : load_root_with(good_root_options_);
}

void Controller::go_on_with_old_root() {
  root_options_ = good_root_options_;
  if (const auto left = std::exchange(left_, std::nullopt))
    return adopt_schedulers(*left);
  phase_ = Phase::running;
  ask_for_turn();
}

// The record of its end is written last: after every task has left it.
void Controller::root_vanished() {
  const auto since = root_missing_since_.value_or(turn_began_);
  const auto exit = kernel_.exit_info(kSelf).value_or(ExitInfo{});
  if (exit.kind != exit_kind::kNone || turn_began_ - since >= kRootRecordWait) {
    root_missing_since_.reset();
    root_ended(exit);
    return;
  }
  root_missing_since_ = since;
  as_planned_ = false;
  settle();
}

void Controller::log_root_exit(const ExitInfo& exit) {
  log::error({.message_id = message::kRootExited,
              .scheduler = "root",
              .exit_kind = exit.kind,
              .exit_code = exit.code,
              .dump = exit.dump},
             "the root scheduler ended: {}; every task is on the kernel's own scheduler",
             describe(exit));
}

void Controller::root_ended(const ExitInfo& exit) {
  log_root_exit(exit);
  forget_schedulers("exited");
  if (const auto freed = kernel_.leave(); !freed)
    log::warning({}, "what the root scheduler left behind stays loaded: {}", freed.error().message);
  if (exit.kind == exit_kind::kSysrq)
    return give_up(Errc::denied, "the root scheduler was ended by SysRq and stays out");
  if (classify(exit) == ExitClass::restart)
    return load_root();
  retry_root("the root scheduler ended: " + describe(exit));
}

void Controller::forget_schedulers(std::string_view reason) {
  children_.root_gone(reason);
  in_force_.clear();
  observation_ = {};
  as_planned_ = false;
}

void Controller::retry_root(const std::string& why) {
  phase_ = Phase::root_lost;
  const auto jitter = std::uniform_real_distribution<>{}(random_);
  root_.failed(std::chrono::steady_clock::now(), config_.root_restart, jitter, why);
  if (root_.quarantined())
    return give_up(Errc::unsupported, "the root scheduler failed too often and stays out: " + why);
  root_due_ = root_.retry_at();
  publish();
  arm_timer();
}

void Controller::give_up(Errc code, const std::string& why) {
  phase_ = Phase::stopped;
  answer_all(fail(code, "{}", why));
  boost::asio::post(io_,
                    [this, error = Error{.code = code, .message = why}] { hooks_.failed(error); });
}

void Controller::handle(const Event& event) {
  if (const auto* weight = std::get_if<WeightChanged>(&event)) {
    if (const auto changed = watcher_.reread_weight(weight->cgroup); !changed)
      log::warning({.cgroup_id = weight->cgroup}, "a weight stays unknown: {}",
                   changed.error().message);
  } else if (const auto* dropped = std::get_if<EventsDropped>(&event)) {
    log::warning({.message_id = message::kEventsDropped},
                 "{} events of the kernel were lost; everything is read afresh", dropped->count);
    if (const auto reread = watcher_.reread(); !reread)
      log::error({}, "cannot read the cgroups afresh: {}", reread.error().message);
  } else if (std::holds_alternative<CidHotplug>(event)) {
    cpusets_due_ = std::chrono::steady_clock::now() + kCpusetsFollow;
  }
  ask_for_turn();
}

void Controller::cgroups_changed() {
  if (take_in_cgroups())
    ask_for_turn();
}

void Controller::reload(Done done) {
  policy_files_ = config_.policy_files();
  auto read = read_layers();
  if (!read)
    return refuse_reload(read.error(), done);
  auto policy = effective_policy(read->layers, options_);
  if (!policy)
    return refuse_reload(policy.error(), done);
  for (const auto& name : read->lifted)
    log::notice({.message_id = message::kRequested},
                "what was changed of \"{}\" until a restart ends with its delegation", name);
  if (const auto adopted = adopt_reloaded(std::move(read->layers), std::move(*policy)); !adopted) {
    policy_error_ = adopted.error().message;
    log::error({.message_id = message::kPolicyRefused},
               "the new policy is refused and the old one stays in force: {}", policy_error_);
    publish();
    return done(adopted);
  }
  answer_later(
      [this] {
        return root_refusal_.empty() ? delegations_in_force()
                                     : fail(Errc::kernel, "{}", root_refusal_);
      },
      std::move(done));
}

// Shown is what was read just now and found sound.
void Controller::adopt(PolicyLayers layers, Policy policy) {
  layers_ = std::move(layers);
  resolver_ = PolicyResolver(std::move(policy));
  resolve_policy();
  shown_ = show_policy(sources_of(layers_)).value_or(ShownPolicy{});
}

void Controller::refuse_reload(const std::vector<PolicyFault>& faults, const Done& done) {
  log_faults(faults);
  publish();
  done(fail(Errc::invalid, "{}", policy_error_));
}

tl::expected<Controller::ReadLayers, std::vector<PolicyFault>> Controller::read_layers() const {
  auto sources = config_.read_policy();
  const auto policy = parse_policy(sources.texts, std::move(sources.unread));
  if (!policy)
    return tl::unexpected(policy.error());
  ReadLayers read{.layers = {.files = std::move(sources.texts), .runtime = layers_.runtime},
                  .lifted = {}};
  read.lifted = lift_orphans(read.layers, *policy);
  return read;
}

Status Controller::adopt_reloaded(PolicyLayers layers, Policy policy) {
  if (const auto feasible = check_feasible(policy); !feasible)
    return feasible;
  const bool was_refused = !std::exchange(root_refusal_, {}).empty();
  const bool other_root = was_refused || policy.root.options != root_options_;
  if (other_root && !before_)
    before_ = layers_;
  adopt(std::move(layers), std::move(policy));
  policy_error_.clear();
  policy_is_sound_ = true;
  policy_is_kept_ = false;
  children_.forgive();
  log::info({.message_id = message::kPolicyLoaded}, "the policy was reloaded and has {}",
            delegations_in(resolver_.written()));
  // The root's options are part of its program: they need another root. One that is being loaded
  // now learns of them when it is there.
  if (phase_ == Phase::running && other_root)
    load_root();
  else if (phase_ == Phase::running)
    keep_policy();
  return {};
}

// The delegations of the cgroups there are by now.
void Controller::resolve_policy() {
  auto resolved = resolver_.resolve(watcher_.tree());
  resolved_ = watcher_.generation();
  policy_ = std::move(resolved.policy);
  const auto known = std::exchange(too_deep_, {});
  for (const auto& path : resolved.too_deep) {
    if (!known.contains(path))
      log::warning({.message_id = message::kAttachFailed, .cgroup = path},
                   "{} gets no scheduler: a pattern means it, but it stands inside {} delegations "
                   "already, and the kernel nests no deeper",
                   path, kMaxNesting);
    too_deep_.insert(path);
  }
}

// Whether the policy could be put in force as a whole on this machine with today's cgroups.
Status Controller::check_feasible(const Policy& written) const {
  if (phase_ != Phase::running)
    return {};
  const auto plan = plan_if(written, /*previous=*/nullptr);
  return plan ? Status{} : tl::unexpected(plan.error());
}

// With everything attached that the policy would have attached.
Result<Plan> Controller::plan_if(const Policy& written, const Plan* previous) const {
  const auto& cgroups = watcher_.tree();
  const auto policy = resolve(written, cgroups);
  std::vector<CgroupId> wanted;
  for (const auto& desired : desired_attachments(policy, cgroups))
    wanted.push_back(desired.cgroup);
  const auto all = attachments_if(wanted, observation_, cgroups);
  return make_checked_plan({.topology = kernel_.topology(),
                            .cgroups = cgroups,
                            .policy = policy,
                            .attachments = all,
                            .previous = previous,
                            .now = std::chrono::duration_cast<Instant>(
                                std::chrono::steady_clock::now().time_since_epoch())});
}

void Controller::log_faults(const std::vector<PolicyFault>& faults) {
  policy_error_ = format_faults(faults);
  for (const auto& fault : faults)
    log::error({.message_id = message::kPolicyRefused}, "{}", format_fault(fault));
}

}  // namespace fief
