// SPDX-License-Identifier: GPL-2.0-only
// fief's plans beside three others that could be made of the same weights, over 4,000 random
// changes of weights:
//   hamilton  whole CPUs by the largest remainder
//   webster   whole CPUs by the divisors 1, 3, 5, ...
//   rotate    whole CPUs by rounding down; the CPUs left over take turns among all with a rest, in
//             equal turns (the kernel's demonstration scheduler)
// The three hand out consecutive cids in the participants' order, as the demonstration does. An
// error is |time / due - 1|; a move is a cid that its owner did not own before. Prints a table, and
// writes JSON to the file given.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <numeric>
#include <random>
#include <set>

#include "support/world.hpp"

namespace fief::test {
namespace {

constexpr int kInstances = 4000;

struct Instance {
  World before;
  World after;
  std::vector<double> due;  // CPUs of each participant after, the scheduler itself first
};

// One way to plan, seen from outside.
struct Outcome {
  std::vector<double> time;                       // CPUs each gets
  std::vector<std::vector<std::uint32_t>> owned;  // cids
};

struct Score {
  double worst_error = 0;
  double error_sum = 0;  // of the worst error in each instance
  std::uint64_t moves = 0;
  std::uint64_t llcs = 0;
};

Instance make_instance(std::mt19937& random) {
  const auto pick = [&random](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  World world(fmt::format("{}x{}x{}x1", pick(1, 2), pick(1, 4), pick(4, 8)));
  const auto children = pick(2, 10);
  for (std::uint32_t i = 0; i < children; ++i)
    world.child(fmt::format("/c{}", i), pick(50, 1000));
  world.cgroup("/rest", pick(50, 1000));
  auto changed = world;
  changed.cgroups.nodes[pick(1, children)].weight = pick(50, 1000);
  return {std::move(world), std::move(changed), {}};
}

std::vector<double> dues(const LevelPlan& level) {
  std::vector<double> due;
  due.reserve(level.participants.size());
  for (const auto& participant : level.participants)
    due.push_back(static_cast<double>(participant.entitlement.cpus) / double{kCpuUnit});
  return due;
}

using Counts = std::vector<std::uint32_t>;

Counts round_down(const std::vector<double>& due) {
  Counts counts;
  for (const auto cpus : due)
    counts.push_back(static_cast<std::uint32_t>(cpus));
  return counts;
}

Counts hamilton(const std::vector<double>& due, std::uint32_t cpus) {
  auto counts = round_down(due);
  std::vector<std::size_t> order(due.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::greater{},
                           [&due](std::size_t i) { return due[i] - std::floor(due[i]); });
  const auto given = std::accumulate(counts.begin(), counts.end(), 0U);
  for (std::size_t k = 0; k < cpus - given; ++k)
    ++counts[order[k]];
  return counts;
}

Counts webster(const std::vector<double>& due, std::uint32_t cpus) {
  Counts counts(due.size(), 0);
  for (std::uint32_t k = 0; k < cpus; ++k) {
    const auto claim = [&](std::size_t i) { return due[i] / (2.0 * counts[i] + 1); };
    std::size_t best = 0;
    for (std::size_t i = 1; i < due.size(); ++i)
      best = claim(i) > claim(best) ? i : best;
    ++counts[best];
  }
  return counts;
}

Outcome consecutive(const Counts& counts) {
  Outcome outcome;
  std::uint32_t next = 0;
  for (const auto count : counts) {
    outcome.owned.emplace_back();
    for (std::uint32_t k = 0; k < count; ++k)
      outcome.owned.back().push_back(next++);
    outcome.time.push_back(count);
  }
  return outcome;
}

Outcome rotate(const std::vector<double>& due, std::uint32_t cpus) {
  const auto counts = round_down(due);
  auto outcome = consecutive(counts);
  const auto given = std::accumulate(counts.begin(), counts.end(), 0U);
  std::size_t with_rest = 0;
  for (std::size_t i = 0; i < due.size(); ++i)
    with_rest += due[i] > counts[i] ? 1U : 0U;
  for (std::size_t i = 0; i < due.size(); ++i)
    if (due[i] > counts[i])
      outcome.time[i] += static_cast<double>(cpus - given) / static_cast<double>(with_rest);
  return outcome;
}

Outcome outcome_of(const LevelPlan& level) {
  Outcome outcome;
  for (const auto& participant : level.participants) {
    outcome.owned.emplace_back();
    for (const auto cid : participant.exclusive)
      outcome.owned.back().push_back(cid.value);
    outcome.time.push_back(static_cast<double>(time_of(participant)) / double{kCpuUnit});
  }
  return outcome;
}

void add_score(Score& score, const Outcome& before, const Outcome& after,
               const std::vector<double>& due, const Topology& topology) {
  double worst = 0;
  for (std::size_t i = 0; i < due.size(); ++i) {
    worst = std::max(worst, std::abs(after.time[i] / due[i] - 1));
    std::set<std::uint32_t> llcs;
    for (const auto cid : after.owned[i]) {
      score.moves += std::ranges::binary_search(before.owned[i], cid) ? 0U : 1U;
      llcs.insert(topology.cids[cid].llc);
    }
    score.llcs += llcs.size();
  }
  score.worst_error = std::max(score.worst_error, worst);
  score.error_sum += worst;
}

struct Row {
  const char* planner;
  Score score;
};

void print_table(const std::vector<Row>& rows) {
  fmt::print("{} random changes of a weight, 4 to 64 CPUs, 2 to 10 children\n", kInstances);
  fmt::print("{:<10} {:>13} {:>18} {:>16} {:>22}\n", "planner", "worst error", "mean worst error",
             "moves a change", "LLCs spanned a plan");
  for (const auto& [planner, score] : rows)
    fmt::print("{:<10} {:>12.4f}% {:>17.4f}% {:>16.2f} {:>22.2f}\n", planner,
               100 * score.worst_error, 100 * score.error_sum / kInstances,
               static_cast<double>(score.moves) / kInstances,
               static_cast<double>(score.llcs) / kInstances);
}

void write_json(std::ostream& out, const std::vector<Row>& rows) {
  out << "[";
  for (std::size_t i = 0; i < rows.size(); ++i)
    out << fmt::format(
        "{}\n  {{\"planner\": \"{}\", \"instances\": {}, \"worst_error\": {:.6f}, "
        "\"mean_worst_error\": {:.6f}, \"moves\": {}, \"llcs_spanned\": {}}}",
        i == 0 ? "" : ",", rows[i].planner, kInstances, rows[i].score.worst_error,
        rows[i].score.error_sum / kInstances, rows[i].score.moves, rows[i].score.llcs);
  out << "\n]\n";
}

int run(const char* json_file) {
  std::mt19937 random(7);
  Score fief;
  Score by_hamilton;
  Score by_webster;
  Score by_rotate;
  for (int i = 0; i < kInstances; ++i) {
    auto instance = make_instance(random);
    const auto cpus = instance.before.topology.nr_cids();
    const auto before = instance.before.plan();
    instance.after.in_force = before;
    const auto& after = instance.after.plan();
    const auto old_due = dues(before.levels[0]);
    const auto due = dues(after.levels[0]);
    const auto& topology = instance.after.topology;
    add_score(fief, outcome_of(before.levels[0]), outcome_of(after.levels[0]), due, topology);
    add_score(by_hamilton, consecutive(hamilton(old_due, cpus)), consecutive(hamilton(due, cpus)),
              due, topology);
    add_score(by_webster, consecutive(webster(old_due, cpus)), consecutive(webster(due, cpus)), due,
              topology);
    add_score(by_rotate, rotate(old_due, cpus), rotate(due, cpus), due, topology);
  }
  const std::vector<Row> rows{
      {"fief", fief}, {"hamilton", by_hamilton}, {"webster", by_webster}, {"rotate", by_rotate}};
  print_table(rows);
  if (json_file != nullptr) {
    std::ofstream file(json_file);
    write_json(file, rows);
  }
  // An exact planner is exact: its error is the rounding to units of the smallest due.
  return fief.worst_error < 0.001 ? 0 : 1;
}

}  // namespace
}  // namespace fief::test

int main(int argc, char** argv) {
  return fief::test::run(argc > 1 ? argv[1] : nullptr);
}
