// SPDX-License-Identifier: GPL-2.0-only
// The changes that people ask the daemon for, whatever way they ask. What arrives by D-Bus or
// Varlink is decoded there, judged here, and handed to the Backend once it is permitted.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "backend/backend.hpp"
#include "core/result.hpp"

namespace fief {

/// What a change may need permission for.
enum class Permission {
  reconfigure,     ///< alters who gets which CPUs
  load_scheduler,  ///< may load another scheduler into the kernel
};

/// A change that somebody asks for.
struct Change {
  Permission permission = Permission::reconfigure;
  std::string what;  ///< for the journal: "set weight=300 of db"
  /// Hands it to the backend.
  std::function<void(Backend& backend, const Requester& requester, Backend::Done done)> begin;
  bool of_files = false;  ///< Errc::invalid blames the policy files, not what was asked
  std::string subject{};  ///< for the journal: of whom it is asked; empty: of nobody in particular
  /// What Backend::check_tenant() judges; unset: nothing that owners of cgroups may ask for.
  std::optional<ChangeRequest> for_tenants{};
};

/// Who asks.
struct Sender {
  std::string name;  ///< unique bus name, ":1.42"; empty: not by the bus
  uid_t uid = 0;
  pid_t pid = 0;           ///< 0: not known
  bool is_tenant = false;  ///< as in Requester
};

/// Whether @p uid, who is no administrator, may ask for it. Errc::denied, with why if it is
/// anything that tenants may ask for.
Status as_tenant(const Backend& backend, const Change& change, uid_t uid);

/// Does what @p sender may do, and logs who asked for what and why it was not done. @p backend must
/// last until this returns; @p done may be called any time later.
void carry_out(Backend& backend, const Change& change, const Sender& sender, Backend::Done done);

/// "weight=300, placement=spread": for the journal.
std::string to_text(const ChangedKeys& keys);

/// Reads @p values as a scheduler's options. Errc::invalid: one of them is a real.
Result<Options> to_options(const ChangedKeys& values);

/// Those of the methods of daemon/api/org.fief.Fief1.Manager.xml, which says what they do. Those
/// that can be wrong in themselves fail with Errc::invalid.
Change reload_change();
Result<Change> properties_change(const std::string& subject, ChangedKeys keys, Lifetime lifetime);
/// @p scheduler: empty, the one there is.
Change attach_change(const std::string& subject, const std::string& scheduler, Options options,
                     Lifetime lifetime);
Change detach_change(const std::string& subject, Lifetime lifetime);
Change revert_change(const std::string& subject);
Result<Change> kill_change(const std::string& subject, const std::string& reason);
Change replan_change(bool from_scratch);
Change leave_change();

/// @p keys can be set by people on a delegation: Errc::invalid for none, and for one that says what
/// the delegation is rather than what it gets.
Status check_properties(const ChangedKeys& keys);

}  // namespace fief
