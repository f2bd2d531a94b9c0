// SPDX-License-Identifier: GPL-2.0-only
// From an operation that somebody asks for to the Backend that does it, whatever way they ask: who
// may, and what the journal is told.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "backend/backend.hpp"
#include "backend/boosts.hpp"
#include "backend/operation.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"

namespace fief {

/// Who asks.
struct Sender {
  std::string name;  ///< unique bus name, ":1.42"; empty: not by the bus
  uid_t uid = 0;
  pid_t pid = 0;           ///< 0: not known
  bool is_tenant = false;  ///< as in Requester
};

/// Whether @p uid, who is no administrator, may ask for it. Errc::denied, with why if it is
/// anything that tenants may ask for.
Status as_tenant(const Backend& backend, const Operation& operation, uid_t uid);

/// Does what @p sender may do, and logs who asked for what and why it was not done. @p backend and
/// @p boosts must last until this returns; @p done may be called any time later. It is given what
/// holds a boost, or an empty descriptor for all else.
void carry_out(Backend& backend, Boosts& boosts, const Operation& operation, const Sender& sender,
               Boosts::Held done);

}  // namespace fief
