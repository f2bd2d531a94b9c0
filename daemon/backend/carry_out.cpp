// SPDX-License-Identifier: GPL-2.0-only
#include "backend/carry_out.hpp"

#include <utility>

#include "core/log.hpp"
#include "core/message_ids.hpp"
#include "core/printable.hpp"

namespace fief {
namespace {

constexpr std::size_t kMaxSubjectShown = 256;
constexpr std::size_t kMaxOperationShown = 1024;

// Makes the journal fields that say who asked, and of whom.
auto sender_fields(const Sender& sender, const std::string& subject) {
  return [sender, subject](std::string_view message_id) {
    log::Fields fields{.message_id = message_id,
                       .sender = sender.name,
                       .sender_uid = sender.uid,
                       .subject = shortened(subject, kMaxSubjectShown)};
    if (sender.pid != 0)
      fields.sender_pid = sender.pid;
    return fields;
  };
}

// One line, however long and of whatever bytes the names and values are.
std::string shown(const Operation& operation) {
  return printable(shortened(to_text(operation), kMaxOperationShown));
}

// Tells the journal of the request now, and of a refusal before @p done hears of it.
Boosts::Held told(const Operation& operation, const Sender& sender, Boosts::Held done) {
  const auto fields = sender_fields(sender, subject_of(operation));
  auto what = shown(operation);
  log::info(fields(message::kRequested), "{} (uid {}, pid {}) asks to {}",
            sender.name.empty() ? "a local client" : sender.name, sender.uid, sender.pid, what);
  return [fields, what = std::move(what), done = std::move(done)](Result<UniqueFd> outcome) {
    if (!outcome)
      log::notice(fields(message::kRequestRefused), "could not {}: {}", what, outcome.error());
    done(std::move(outcome));
  };
}

Backend::Done without_hold(Boosts::Held done) {
  return [done = std::move(done)](const Status& outcome) {
    done(outcome ? Result<UniqueFd>(UniqueFd()) : tl::unexpected(outcome.error()));
  };
}

}  // namespace

Status as_tenant(const Backend& backend, const Operation& operation, uid_t uid) {
  const auto wish = owners_wish(operation);
  return wish ? backend.check_tenant(*wish, uid) : fail(Errc::denied, "");
}

void carry_out(Backend& backend, Boosts& boosts, const Operation& operation, const Sender& sender,
               Boosts::Held done) {
  const Requester requester{.uid = sender.uid, .is_tenant = sender.is_tenant};
  auto answered = told(operation, sender, std::move(done));
  if (const auto* boost = std::get_if<Boost>(&operation))
    boosts.begin(*boost, requester, std::move(answered));
  else
    backend.perform(operation, requester, without_hold(std::move(answered)));
}

}  // namespace fief
