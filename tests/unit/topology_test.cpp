// SPDX-License-Identifier: GPL-2.0-only
// Topology: specifications, cid numbering, and reading a sysfs tree.
#include "topology/topology.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "temp_dir.hpp"
#include "topology/numbering.hpp"

namespace fief {
namespace {

TEST(TopologySpec, numbers_nodes_llcs_cores_threads) {
  const auto topology = parse_topology_spec("2x4x8x2").value();
  ASSERT_EQ(topology.nr_cids(), 128U);
  const CidInfo expected{Cid{77}, 77, 38, 4, 1, 4, true};
  EXPECT_EQ(topology.cids[77], expected);
  EXPECT_EQ(topology.online(), CidSet::first(128));
  EXPECT_EQ(topology.core_siblings(Cid{77}), (CidSet{76, 77}));
}

TEST(TopologySpec, refuses_what_is_none) {
  for (const auto* spec :
       {"", "8 cap=0", "8 cap=1025", "8 cap", "8 + ", "+8", "8 16", "1x1x8x2x1", "0x1x1x1",
        "1x1x1x", "1x1x-1x1", "2000x1x1x1", "1024x1024x1x1", "axbxcxd", "1x1x8x2 "}) {
    const auto topology = parse_topology_spec(spec);
    ASSERT_FALSE(topology.has_value()) << spec;
    EXPECT_EQ(topology.error().code, Errc::invalid);
  }
}

TEST(Numbering, orders_by_first_cpu_and_puts_siblings_together) {
  // CPUs 0..3 with siblings 0/2 and 1/3, as firmware often numbers them.
  const auto topology =
      number_cids({{0, 0, 0, 0, true}, {1, 0, 0, 1, true}, {2, 0, 0, 0, true}, {3, 0, 0, 1, true}});
  std::vector<std::uint32_t> cpus;
  cpus.reserve(topology.cids.size());
  for (const auto& info : topology.cids)
    cpus.push_back(info.cpu);
  EXPECT_EQ(cpus, (std::vector<std::uint32_t>{0, 2, 1, 3}));
  EXPECT_EQ(topology.core_siblings(Cid{0}), (CidSet{0, 1}));
}

TEST(Numbering, an_llc_that_straddles_nodes_is_two) {
  const auto topology = number_cids({{0, 0, 7, 0, true}, {1, 1, 7, 1, true}});
  EXPECT_EQ(topology.cids[0].llc, 0U);
  EXPECT_EQ(topology.cids[1].llc, 1U);
}

TEST(Numbering, offline_cpus_come_last_with_places_of_their_own) {
  const auto topology = number_cids({{0, 0, 0, 0, true}, {1, 0, 0, 1, false}, {2, 0, 0, 2, true}});
  EXPECT_EQ(topology.cids[2], (CidInfo{Cid{2}, 1, 2, 1, 1, 1, false}));
  EXPECT_EQ(topology.online(), (CidSet{0, 1}));
}

TEST(Numbering, splits_large_llcs_into_even_shards_of_whole_cores) {
  // 26 cores of 2 threads are 52 cids: three shards of at most 24, cores spread 9, 9, 8.
  const auto topology = parse_topology_spec("1x1x26x2").value();
  std::vector<std::uint32_t> sizes;
  for (const auto& info : topology.cids) {
    sizes.resize(info.shard + 1);
    ++sizes[info.shard];
  }
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{18, 18, 16}));
}

TEST(TopologySpec, leading_factors_may_be_left_out) {
  EXPECT_EQ(parse_topology_spec("8").value(), parse_topology_spec("1x1x8x1").value());
  EXPECT_EQ(parse_topology_spec("8x2").value(), parse_topology_spec("1x1x8x2").value());
  EXPECT_EQ(parse_topology_spec("3x8x2").value(), parse_topology_spec("1x3x8x2").value());
}

TEST(TopologySpec, joins_kinds_of_cpus) {
  const auto topology = parse_topology_spec("2x2 cap=1024 + 3 cap=560").value();
  ASSERT_EQ(topology.nr_cids(), 7U);
  EXPECT_EQ(topology.cids[3], (CidInfo{Cid{3}, 3, 1, 0, 0, 0, true, 1024}));
  EXPECT_EQ(topology.cids[4], (CidInfo{Cid{4}, 4, 2, 0, 0, 0, true, 560}));
  EXPECT_FALSE(topology.is_uniform());
  EXPECT_TRUE(parse_topology_spec("4 + 4").value().is_uniform());
}

TEST(TopologySpec, parts_that_name_caches_or_nodes_have_new_ones) {
  const auto topology = parse_topology_spec("2 + 1x2x1 + 2x1x1x1").value();
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
  places.reserve(topology.cids.size());
  for (const auto& info : topology.cids)
    places.emplace_back(info.node, info.llc);
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> expected{{0, 0}, {0, 0}, {0, 1},
                                                                      {0, 1}, {1, 2}, {2, 3}};
  EXPECT_EQ(places, expected);
}

TEST(TopologySpec, the_biggest_capacity_is_full) {
  const auto topology = parse_topology_spec("1 cap=500 + 1 cap=250 + 1 cap=1").value();
  EXPECT_EQ(topology.cids[0].capacity, 1024U);
  EXPECT_EQ(topology.cids[1].capacity, 512U);
  EXPECT_EQ(topology.cids[2].capacity, 2U);
}

TEST(TopologySpec, faults_name_the_part) {
  EXPECT_EQ(parse_topology_spec("8 + 4 cap=2000").error().message,
            "part 2: \"cap=2000\" is not a capacity: write cap=N with N from 1 to 1024");
  EXPECT_NE(parse_topology_spec("8 + y").error().message.find("part 2: \"y\" is not"),
            std::string::npos);
}

class SysfsTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    test::write_file(root_.path() / "devices/system" / path, text + '\n');
  }

  void cpu(int number, const std::string& core, const std::string& llc) const {
    const auto dir = fmt::format("cpu/cpu{}/", number);
    write(dir + "topology/thread_siblings_list", core);
    write(dir + "cache/index0/shared_cpu_list", core);
    write(dir + "cache/index1/shared_cpu_list", llc);
  }

  [[nodiscard]] Result<Topology> read() const { return read_topology(root_.path().string()); }

  test::TempDir root_;
};

TEST_F(SysfsTest, reads_what_the_kernel_lays_out) {
  write("cpu/possible", "0-3");
  write("cpu/online", "0-3");
  write("node/online", "0-1");
  write("node/node0/cpulist", "0,2");
  write("node/node1/cpulist", "1,3");
  cpu(0, "0,2", "0,2");
  cpu(2, "0,2", "0,2");
  cpu(1, "1,3", "1,3");
  cpu(3, "1,3", "1,3");
  const auto topology = read().value();
  const std::vector<CidInfo> expected{{Cid{0}, 0, 0, 0, 0, 0, true},
                                      {Cid{1}, 2, 0, 0, 0, 0, true},
                                      {Cid{2}, 1, 1, 1, 1, 1, true},
                                      {Cid{3}, 3, 1, 1, 1, 1, true}};
  EXPECT_EQ(topology.cids, expected);
}

TEST_F(SysfsTest, reads_capacities) {
  write("cpu/possible", "0-2");
  write("cpu/online", "0-1");
  write("cpu/cpu0/cpu_capacity", "400");
  write("cpu/cpu1/cpu_capacity", "800");
  const auto topology = read().value();
  EXPECT_EQ(topology.cids[0].capacity, 512U);
  EXPECT_EQ(topology.cids[1].capacity, 1024U);
}

TEST_F(SysfsTest, all_are_full_where_one_has_no_capacity) {
  write("cpu/possible", "0-1");
  write("cpu/online", "0-1");
  write("cpu/cpu0/cpu_capacity", "400");
  EXPECT_TRUE(read().value().is_uniform());
  EXPECT_EQ(read().value().cids[0].capacity, 1024U);
}

TEST_F(SysfsTest, without_caches_and_nodes_there_is_one_llc_a_node) {
  write("cpu/possible", "0-2");
  write("cpu/online", "0,2");
  const auto topology = read().value();
  const std::vector<CidInfo> expected{
      {Cid{0}, 0, 0, 0, 0, 0, true}, {Cid{1}, 2, 1, 0, 0, 0, true}, {Cid{2}, 1, 2, 1, 1, 1, false}};
  EXPECT_EQ(topology.cids, expected);
}

TEST_F(SysfsTest, names_the_file_it_cannot_read) {
  const auto topology = read();
  ASSERT_FALSE(topology.has_value());
  EXPECT_EQ(topology.error().code, Errc::io);
  EXPECT_NE(topology.error().message.find("cpu/possible"), std::string::npos);
}

TEST(Sysfs, this_machine_has_every_cpu_once) {
  if (!std::filesystem::exists("/sys/devices/system/cpu/possible"))
    GTEST_SKIP() << "no sysfs here";
  const auto topology = read_topology().value();
  CidSet cpus;
  for (const auto& info : topology.cids) {
    EXPECT_FALSE(cpus.contains(Cid{info.cpu}));
    cpus.insert(Cid{info.cpu});
  }
  EXPECT_FALSE(topology.online().empty());
}

}  // namespace
}  // namespace fief
