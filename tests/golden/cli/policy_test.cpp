// SPDX-License-Identifier: GPL-2.0-only
// Policies with selectors as "fiefctl policy show" prints them, and their faults as "fiefctl check"
// does.
#include <gtest/gtest.h>

#include "cli/text/render_policy.hpp"
#include "policy/show.hpp"
#include "support/golden.hpp"
#include "support/surroundings.hpp"

namespace fief::test {
namespace {

constexpr cli::Style kUtf8{.colour = false, .utf8 = true, .width = 100};

auto show(const std::string& text) {
  const std::vector sources{PolicyText{"/etc/fief/policy.json", text}};
  return show_policy(sources, small_machine());
}

TEST(PolicyText, SelectorsAreShownAsTheyWereWritten) {
  const auto shown = show(R"({"delegations": [
  {"name": "database", "unit": "db.service", "min_cpus": 2},
  {"unit": "web@*.service"},
  {"slice": "a-b.slice", "weight": 20},
  {"user": "alice", "max_cpus": 4},
  {"container": "3f4a9c0d12be"},
  {"pod": {"qos": "besteffort"}, "scheduler": "batch"},
  {"machine": "build-*", "weight": 30}
]})");
  ASSERT_TRUE(shown) << format_faults(shown.error());
  expect_golden("policy-selectors.txt", cli::render_policy(*shown, /*defaults=*/false, kUtf8));
}

TEST(PolicyText, FaultsOfSelectorsNamePlaceAndRemedy) {
  const auto shown = show(R"({"delegations": [
  {"weight": 20},
  {"unit": "db.service", "slice": "system.slice"},
  {"unit": "backup.timer"},
  {"unit": "web@.service"},
  {"slice": "a-*.slice"},
  {"user": "alcie"},
  {"container": "cache"},
  {"pod": {}},
  {"pod": {"qos": "bestefort"}},
  {"pod": {"uid": "web-0"}},
  {"machine": "my vm"}
]})");
  ASSERT_FALSE(shown);
  expect_golden("policy-selector-faults.txt", format_faults(shown.error()) + '\n');
}

}  // namespace
}  // namespace fief::test
