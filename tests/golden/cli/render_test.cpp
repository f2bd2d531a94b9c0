// SPDX-License-Identifier: GPL-2.0-only
// What fiefctl prints, held to files that people have looked at.
#include <gtest/gtest.h>

#include <sstream>

#include "cli/text/render.hpp"
#include "golden/cli/machines.hpp"
#include "status/view_json.hpp"
#include "support/golden.hpp"

namespace fief::test {
namespace {

constexpr cli::Style kTerminal{.colour = true, .utf8 = true, .width = 100};
constexpr cli::Style kUtf8{.colour = false, .utf8 = true, .width = 100};
constexpr cli::Style kAscii{.colour = false, .utf8 = false, .width = 80};

void expect_no_line_wider_than(std::size_t width, const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(cli::columns(line), width) << line;
}

TEST(RenderTest, Tree) {
  expect_golden("tree-nested.txt", cli::render_tree(nested_machine(), kUtf8));
  expect_golden("tree-nested-ascii.txt", cli::render_tree(nested_machine(), kAscii));
  expect_golden("tree-troubled.txt", cli::render_tree(troubled_machine(), kUtf8));
  expect_golden("tree-troubled-colour.txt", cli::render_tree(troubled_machine(), kTerminal));
}

TEST(RenderTest, Status) {
  expect_golden("status-nested.txt", cli::render_status(nested_machine(), kUtf8));
  expect_golden("status-troubled.txt", cli::render_status(troubled_machine(), kUtf8));
  expect_golden("status-starting.txt", cli::render_status(starting_machine(), kUtf8));
}

TEST(RenderTest, Json) {
  expect_golden("status-nested.json", to_json(nested_machine(), 2) + '\n');
  expect_golden("status-troubled.json", to_json(troubled_machine(), 2) + '\n');
}

TEST(RenderTest, CpusAreNamedAsPeopleKnowThem) {
  auto machine = nested_machine();
  for (std::uint32_t cid = 0; cid < machine.nr_cpus; ++cid)
    machine.cpu_of_cid.push_back(cid / 2 + cid % 2 * 8);
  expect_golden("tree-smt.txt", cli::render_tree(machine, kUtf8));
}

TEST(RenderTest, TreeFitsTheTerminal) {
  for (const std::size_t width : {80U, 100U, 132U})
    expect_no_line_wider_than(
        width, cli::render_tree(nested_machine(), {.colour = false, .utf8 = true, .width = width}));
}

TEST(RenderTest, JsonCanBeReadBack) {
  for (const auto& machine : {nested_machine(), troubled_machine(), starting_machine()}) {
    const auto read = status_from_json(to_json(machine));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(to_json(*read), to_json(machine));
    EXPECT_EQ(cli::render_tree(*read, kUtf8), cli::render_tree(machine, kUtf8));
  }
}

TEST(RenderTest, ForeignJsonIsRefused) {
  for (const auto* text : {"", "{", "[]", "{\"schema\": 2}", "{\"schema\": 1}"})
    EXPECT_FALSE(status_from_json(text)) << text;
  auto negative = to_json(nested_machine());
  const std::string fraction = R"("planned":{"exclusive":"0","shared":[{"cid":1,"fraction":)";
  negative.insert(negative.find(fraction) + fraction.size(), "-");
  EXPECT_FALSE(status_from_json(negative));
}

TEST(RenderTest, BytesThatAreNotUtf8AreShownNevertheless) {
  auto machine = nested_machine();
  machine.schedulers[1].path = "/odd\xff";
  EXPECT_NE(to_json(machine).find("/odd\xef\xbf\xbd"), std::string::npos);
}

TEST(RenderTest, Durations) {
  EXPECT_EQ(cli::render_duration(0), "0ms");
  EXPECT_EQ(cli::render_duration(999'999), "999ms");
  EXPECT_EQ(cli::render_duration(12'345'678), "12.346s");
  EXPECT_EQ(cli::render_duration(61'500'000), "1min 1.5s");
  EXPECT_EQ(cli::render_duration(7'260'000'000), "2h 1min");
}

TEST(StyleTest, ElisionKeepsBothEnds) {
  EXPECT_EQ(cli::elided("abcdefghij", 10, kUtf8), "abcdefghij");
  EXPECT_EQ(cli::elided("abcdefghij", 5, kUtf8), "ab…ij");
  EXPECT_EQ(cli::elided("abcdefghij", 6, kAscii), "a...ij");
  EXPECT_EQ(cli::elided("ääääääääää", 5, kUtf8), "ää…ää");
  EXPECT_EQ(cli::elided("system.slice/long/c.service", 16, kUtf8), "syste…/c.service");
  EXPECT_EQ(cli::elided("a.slice/much-longer.service", 9, kUtf8), "a.sl…vice");
}

}  // namespace
}  // namespace fief::test
