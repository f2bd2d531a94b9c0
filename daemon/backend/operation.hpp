// SPDX-License-Identifier: GPL-2.0-only
// What people ask the daemon to do, as values: whatever way a request comes, it makes one of these,
// and whoever does it is given one. All else that is to be known of it follows from it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "core/log.hpp"
#include "core/result.hpp"
#include "policy/change.hpp"

namespace fief {

enum class Lifetime {
  persistent,     ///< written to the administrator's drop-ins
  until_restart,  ///< of the daemon
};

/// Who asks for an operation.
struct Requester {
  uid_t uid = 0;
  bool is_tenant = false;  ///< may do so by Backend::check_tenant() alone
};

// A subject is a delegation's name, its cgroup's path, or the last part of that path where only one
// ends so.

/// Changes keys of a delegation of the policy.
struct Set {
  std::string subject;
  ChangedKeys keys;  ///< new values, by the policy's keys
  Lifetime lifetime = Lifetime::persistent;
};

/// Delegates a cgroup that is not delegated, or gives one that is left out another chance.
struct Attach {
  std::string subject;
  ChangedKeys keys;  ///< as in Set; without a scheduler, the one there is
  Lifetime lifetime = Lifetime::persistent;
};

/// Ends a delegation; its policy stays for another attach.
struct Detach {
  std::string subject;
  Lifetime lifetime = Lifetime::persistent;
};

/// Undoes every change of a delegation that was asked for here, persistent ones as well.
struct Revert {
  std::string subject;
};

/// Ends a scheduler, own or foreign, as a failure would. An own one is tried again.
struct Kill {
  std::string subject;
  std::string reason;  ///< at most 127 bytes; empty: who asked
};

/// As Set, for as long as a hold lasts.
struct Boost {
  std::string subject;
  ChangedKeys keys;
  std::string reason;      ///< for the journal; may be empty
  std::uint64_t hold = 0;  ///< 0: none yet
};

/// Reads, validates, plans and puts in force the policy files. What was changed until a restart
/// stays, as far as the files still have the delegation.
struct Reload {};

/// Reads everything afresh and plans.
struct Replan {
  bool from_scratch = false;  ///< without regard to who has what
};

/// Detaches every scheduler and ends the daemon; answered before it ends.
struct Leave {};

/// Writes to the journal from a level on.
struct SetLogLevel {
  log::Level level = log::Level::info;
  std::string name;  ///< as it was asked for: "crit"
};

using Operation =
    std::variant<Set, Attach, Detach, Revert, Kill, Boost, Reload, Replan, Leave, SetLogLevel>;

/// What an operation may need permission for.
enum class Permission {
  reconfigure,     ///< alters who gets which CPUs
  load_scheduler,  ///< may load another scheduler into the kernel
};
Permission permission_for(const Operation& operation);

/// For the journal: "set weight=300 of db, until a restart".
std::string to_text(const Operation& operation);
/// "weight=300, placement=spread": the same of keys alone.
std::string to_text(const ChangedKeys& keys);

/// Of whom it is asked; empty: of nobody in particular.
std::string subject_of(const Operation& operation);

/// Whether its Errc::invalid blames the policy files, not what was asked.
bool blames_files(const Operation& operation);

/// Whether it can be asked for at all. Errc::invalid: no key is given, or one that says what a
/// delegation is rather than what it gets; a reason is too long.
Status check(const Operation& operation);

/// What an owner of a cgroup asks for with an operation.
struct OwnersWish {
  std::string subject;
  ChangedKeys keys;
  Lifetime lifetime = Lifetime::persistent;
};
/// What Backend::check_tenant() judges; unset: nothing that owners of cgroups may ask for.
std::optional<OwnersWish> owners_wish(const Operation& operation);

/// Why @p requester kills: what they said, or that they did.
std::string reason_of(const Kill& kill, const Requester& requester);

}  // namespace fief
