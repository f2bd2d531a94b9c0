// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/transport.hpp"

#include <algorithm>
#include <array>

namespace fief::cli {
namespace {

struct Known {
  std::string_view name;
  Errc code;
};
constexpr std::array kKnownErrors{
    Known{"InvalidPolicy", Errc::infeasible},
    Known{"Infeasible", Errc::infeasible},
    Known{"InvalidArgs", Errc::invalid},
    Known{"InvalidParameter", Errc::invalid},
    Known{"NotSupported", Errc::unsupported},
    Known{"LimitsExceeded", Errc::busy},
    Known{"NoSuchScheduler", Errc::not_found},
    Known{"KernelRefused", Errc::kernel},
    Known{"NotApplied", Errc::stale},
    Known{"AccessDenied", Errc::denied},
    Known{"InteractiveAuthorizationRequired", Errc::denied},
    Known{"NotAuthorized", Errc::denied},
};

}  // namespace

// For a change, long enough for a person to authenticate and for schedulers to be attached on a
// slow machine.
std::chrono::seconds patience_for(std::string_view method) {
  return method.starts_with("Get") ? std::chrono::seconds{10} : std::chrono::minutes{5};
}

Errc code_of(std::string_view error_name) {
  const auto last = error_name.substr(error_name.rfind('.') + 1);
  const auto* known = std::ranges::find(kKnownErrors, last, &Known::name);
  return known == kKnownErrors.end() ? Errc::io : known->code;
}

tl::unexpected<Error> no_answer() {
  return fail(Errc::io, "fiefd did not answer; \"journalctl -u fiefd\" may say why");
}

tl::unexpected<Error> unreadable(std::string_view why) {
  return fail(Errc::io, "fiefd's answer cannot be read: {}", why);
}

}  // namespace fief::cli
