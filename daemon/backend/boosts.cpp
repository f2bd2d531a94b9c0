// SPDX-License-Identifier: GPL-2.0-only
#include "backend/boosts.hpp"

#include <utility>

namespace fief {

// The hold begins before anything is changed, and lasts only if all goes well. The outcome may come
// after this object is gone.
Result<Boosts::Boost> Boosts::make(const std::string& subject, ChangedKeys keys,
                                   const std::string& reason) {
  if (const auto fit = check_properties(keys); !fit)
    return tl::unexpected(fit.error());
  auto what = fmt::format("boost {}: {}{}{}", subject, to_text(keys),
                          reason.empty() ? "" : ", for ", reason);
  const auto descriptor = std::make_shared<UniqueFd>();
  const ChangeRequest wanted{
      .subject = subject, .keys = std::move(keys), .lifetime = Lifetime::until_restart};
  const auto begin = [holds = std::weak_ptr(holds_), descriptor, wanted](
                         Backend& backend, const Requester& requester, const Backend::Done& done) {
    const auto open = holds.lock();
    auto hold = open ? open->open(requester.uid) : fail(Errc::stale, "the daemon is stopping");
    if (!hold)
      return done(tl::unexpected(hold.error()));
    *descriptor = std::move(hold->descriptor);
    auto known = wanted;
    known.requester = requester;
    backend.boost(hold->id, known,
                  [holds, &backend, id = hold->id, descriptor, done](const Status& outcome) {
                    if (const auto alive = holds.lock(); alive && !outcome) {
                      alive->close(id);
                      backend.release(id);
                      descriptor->reset();
                    }
                    done(outcome);
                  });
  };
  return Boost{.change = {.what = std::move(what),
                          .begin = begin,
                          .subject = subject,
                          .for_tenants = wanted},
               .descriptor = descriptor};
}

}  // namespace fief
