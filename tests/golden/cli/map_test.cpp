// SPDX-License-Identifier: GPL-2.0-only
// The CPU map in the terminal and as SVG.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cli/text/cpu_map.hpp"
#include "cli/text/palette.hpp"
#include "support/golden.hpp"
#include "support/world.hpp"

namespace fief::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr cli::Style kPlain{.colour = false, .utf8 = true, .width = 100};
constexpr cli::Style kTerminal{.colour = true, .utf8 = true, .width = 100};

// Two sockets with threads, one CPU offline; a child with a child, and shared CPUs.
cli::CpuMap server() {
  World world("2x2x2x2");
  const auto outer = world.child("/outer.slice", 500);
  world.child("/outer.slice/<x>.service", 300, outer);
  world.cgroup("/outer.slice/y.service", 100);
  world.child("/b.service", 350);
  world.cgroup("/rest.slice", 150);
  world.topology.cids[15].online = false;
  return cli::make_cpu_map(world.topology, world.cgroups, world.plan());
}

TEST(CpuMap, is_drawn_by_node_llc_and_core) {
  expect_golden("map.txt", cli::render_map(server(), kPlain));
  expect_golden("map-colour.txt", cli::render_map(server(), kTerminal));
  expect_golden("map.svg", cli::render_svg(server()));
}

TEST(CpuMap, cpus_of_less_than_full_capacity_are_marked) {
  World world("2x2 + 3 cap=560");
  const auto map = cli::make_cpu_map(world.topology, world.cgroups, world.plan());
  EXPECT_THAT(cli::render_map(map, kPlain), HasSubstr("LLC 0    AA AA cap 560: A A A\n"));
  EXPECT_THAT(cli::render_svg(map), HasSubstr("CPU 6 (cid 6), cap 560"));
}

TEST(CpuMap, every_cid_is_used_up_by_those_who_use_it_in_the_end) {
  for (const auto& cell : server().cells) {
    CpuTime time = 0;
    for (const auto& part : cell.parts)
      time += part.time;
    EXPECT_EQ(time, cell.place.online ? kCpuUnit : 0U) << cell.place.cid.value;
  }
}

TEST(CpuMap, what_it_shows_of_foreign_names_is_escaped) {
  World world("1x1x2x1");
  world.child("/<&\">\x01\xff\xc3\xa4");
  const auto svg = cli::render_svg(cli::make_cpu_map(world.topology, world.cgroups, world.plan()));
  EXPECT_THAT(svg, HasSubstr("/&lt;&amp;&quot;&gt;\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4"));
  EXPECT_THAT(svg, Not(HasSubstr("\xff")));
}

TEST(CpuMap, names_move_no_cursor) {
  World world("1x1x2x1");
  world.child("/a\x1b[2J");
  const auto map = cli::make_cpu_map(world.topology, world.cgroups, world.plan());
  EXPECT_THAT(cli::render_map(map, kPlain), HasSubstr("/a\\x1b[2J"));
}

TEST(CpuMap, many_parties_have_codes_of_their_own_and_lines_fit) {
  World world("1x1x64x1");
  for (int i = 0; i < 60; ++i)
    world.child(fmt::format("/c{}", i));
  const auto map = cli::make_cpu_map(world.topology, world.cgroups, world.plan());
  std::set<std::string> codes;
  for (std::uint32_t i = 0; i < map.parties.size(); ++i)
    codes.insert(cli::code_of(i, map));
  EXPECT_EQ(codes.size(), map.parties.size());
  std::istringstream lines(cli::render_map(map, {.colour = false, .utf8 = true, .width = 60}));
  for (std::string line; std::getline(lines, line) && !line.empty();)
    EXPECT_LE(line.size(), 60U) << line;
}

TEST(Palette, neighbours_differ_and_text_is_readable) {
  for (std::uint32_t i = 0; i < 24; ++i) {
    const auto colour = cli::colour_of(i);
    EXPECT_GE(colour.terminal(), 16);
    EXPECT_LE(colour.terminal(), 231);
    const auto next = cli::colour_of(i + 1);
    EXPECT_NE(std::tie(colour.red, colour.green, colour.blue),
              std::tie(next.red, next.green, next.blue));
  }
}

}  // namespace
}  // namespace fief::test
