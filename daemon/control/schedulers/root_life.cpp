// SPDX-License-Identifier: GPL-2.0-only
#include "control/schedulers/root_life.hpp"

#include "control/schedulers/supervision.hpp"
#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "kernel/exit_kind.hpp"

namespace fief {
namespace {

constexpr std::chrono::seconds kRecordWait{5};

void log_exit(const ExitInfo& exit) {
  log::error({.message_id = message::kRootExited,
              .scheduler = "root",
              .exit_kind = exit.kind,
              .exit_code = exit.code,
              .dump = exit.dump},
             "the root scheduler ended: {}; every task is on the kernel's own scheduler",
             describe(exit));
}

}  // namespace

bool is_final(Errc code) {
  return code == Errc::unsupported || code == Errc::denied || code == Errc::busy ||
         code == Errc::invalid;
}

void RootLife::take_over() {
  const auto adoption = kernel_.adopt();
  if (!adoption) {
    log::error({.message_id = message::kNotAdopted},
               "what an earlier daemon left attached is replaced: {}", adoption.error());
    return load();
  }
  for (const auto& what : adoption->discarded)
    log::warning({.message_id = message::kNotAdopted},
                 "what an earlier daemon left attached is replaced: {}", what);
  if (adoption->root_exit)
    log_exit(*adoption->root_exit);
  const auto& root = adoption->root;
  if (root)
    good_options_ = root->request.options;
  if (root && root->current && root->request.options == owner_.wanted_root_options())
    return adopt(*adoption);
  if (root)
    log::notice(
        {.message_id = message::kNotAdopted, .scheduler = "root"},
        "the root scheduler that an earlier daemon left attached is replaced: its {} changed",
        root->current ? "options have" : "object file has");
  if (root)
    left_ = *adoption;
  load();
}

void RootLife::adopt(const Adoption& adoption) {
  options_ = adoption.root->request.options;
  phase_ = Phase::running;
  owner_.root_adopted(adoption);
}

void RootLife::load() {
  wanted_options_ = owner_.wanted_root_options();
  load_with(wanted_options_);
}

void RootLife::load_with(const Options& options) {
  phase_ = Phase::loading;
  due_.reset();
  owner_.root_loading();
  options_ = options;
  kernel_.load_root(options_, [this](const Status& outcome) { loaded(outcome); });
}

bool RootLife::retry_if_due(Time now) {
  if (phase_ != Phase::lost || !due_ || now < *due_)
    return false;
  load();
  return true;
}

void RootLife::loaded(const Status& outcome) {
  // Stopped meanwhile: what came up after leave() must go as well.
  if (phase_ == Phase::stopped) {
    static_cast<void>(kernel_.leave());
    return;
  }
  if (!outcome)
    return refused(outcome.error());
  // Those below the root that it replaced went with that one.
  owner_.schedulers_gone("requested");
  good_options_ = options_;
  left_.reset();
  if (owner_.wanted_root_options() != wanted_options_)
    return load();
  supervision_.succeeded();
  phase_ = Phase::running;
  owner_.root_attached();
}

// A root is verified before the one that it replaces goes, so that one may well be there still.
void RootLife::refused(const Error& error) {
  if (owner_.wanted_root_options() != wanted_options_)
    return load();
  const auto observation = kernel_.observe();
  const bool stands = observation && observation->root_enabled;
  if (!stands) {
    owner_.schedulers_gone("requested");
    left_.reset();
  }
  const bool may_be_options = error.code == Errc::invalid || error.code == Errc::kernel;
  if (!stands && (!may_be_options || options_ == good_options_)) {
    if (!was_ready_ || is_final(error.code))
      return give_up(error.code, error.message);
    return retry(error.message);
  }
  const auto why = "the root scheduler is not the one that the policy asks for: " + error.message;
  log::error(
      {.message_id = message::kRootRefused, .scheduler = "root"}, "{}; {}", why,
      stands ? "the one before goes on" : "it is loaded with the options that it had before");
  owner_.root_refused(why);
  wanted_options_ = owner_.wanted_root_options();
  return stands ? go_on_with_old() : load_with(good_options_);
}

void RootLife::go_on_with_old() {
  options_ = good_options_;
  if (const auto left = std::exchange(left_, std::nullopt))
    return adopt(*left);
  phase_ = Phase::running;
  owner_.root_stays();
}

// The record of its end is written last: after every task has left it.
bool RootLife::note_missing(Time now) {
  const auto since = missing_since_.value_or(now);
  const auto exit = kernel_.exit_info(kSelf).value_or(ExitInfo{});
  if (exit.kind == exit_kind::kNone && now - since < kRecordWait) {
    missing_since_ = since;
    return false;
  }
  missing_since_.reset();
  ended(exit);
  return true;
}

void RootLife::ended(const ExitInfo& exit) {
  log_exit(exit);
  owner_.schedulers_gone("exited");
  if (const auto freed = kernel_.leave(); !freed)
    log::warning({}, "what the root scheduler left behind stays loaded: {}", freed.error());
  if (exit.kind == exit_kind::kSysrq)
    return give_up(Errc::denied, "the root scheduler was ended by SysRq and stays out");
  if (classify(exit) == ExitClass::restart)
    return load();
  retry("the root scheduler ended: " + describe(exit));
}

void RootLife::retry(const std::string& why) {
  phase_ = Phase::lost;
  supervision_.failed(std::chrono::steady_clock::now(), restart_, jitter_(), why);
  if (supervision_.quarantined())
    return give_up(Errc::unsupported, "the root scheduler failed too often and stays out: " + why);
  due_ = supervision_.retry_at();
  owner_.root_lost();
}

void RootLife::give_up(Errc code, const std::string& why) {
  phase_ = Phase::stopped;
  owner_.root_given_up({.code = code, .message = why});
}

}  // namespace fief
