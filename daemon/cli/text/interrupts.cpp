// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/interrupts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "cli/text/table.hpp"
#include "status/json_values.hpp"

namespace fief::cli {
namespace {

constexpr int kSchema = 1;
constexpr std::string_view kBlank = " \t";

// The next word of @p line, which is taken from it; empty at the end.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const auto word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

template <class Number>
std::optional<Number> as_number(std::string_view word) {
  Number number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size())
    return std::nullopt;
  return number;
}

// "CPU0 CPU1 CPU3": the numbers of those that are online.
std::vector<std::uint32_t> read_cpus(std::string_view line) {
  constexpr std::string_view kCpu = "CPU";
  std::vector<std::uint32_t> cpus;
  for (auto word = next_word(line); word.starts_with(kCpu); word = next_word(line))
    if (const auto cpu = as_number<std::uint32_t>(word.substr(kCpu.size())))
      cpus.push_back(*cpu);
  return cpus;
}

// What follows the counts: chip, number in the chip and how it is triggered, then who handles it.
// Whoever has no trigger is named by the last word.
std::string device_of(std::string_view rest) {
  std::string_view last;
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
    if (word.ends_with("-edge") || word.ends_with("-fasteoi") || word.ends_with("-level")) {
      rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
      return std::string(rest);
    }
    last = word;
  }
  return std::string(last);
}

std::optional<Interrupt> read_interrupt(std::string_view line,
                                        const std::vector<std::uint32_t>& cpus) {
  const auto label = next_word(line);
  const auto number = label.ends_with(':')
                          ? as_number<std::uint32_t>(label.substr(0, label.size() - 1))
                          : std::nullopt;
  if (!number)
    return std::nullopt;
  Interrupt interrupt;
  interrupt.number = *number;
  for (const auto cpu : cpus) {
    const auto count = as_number<std::uint64_t>(next_word(line)).value_or(0);
    interrupt.count += count;
    if (count > 0)
      interrupt.cpus.insert(Cid{cpu});
  }
  interrupt.device = device_of(line);
  return interrupt;
}

// Whose these CPUs are, each once.
std::set<std::string> owners(const Interrupt& interrupt, const std::vector<CpuRights>& map) {
  std::set<std::string> paths;
  for (const auto& rights : map)
    if (interrupt.cpus.contains(Cid{rights.cpu}))
      for (const auto& user : rights.users)
        paths.insert(user.path);
  return paths;
}

}  // namespace

Result<std::vector<Interrupt>> parse_interrupts(std::string_view text) {
  const auto end = text.find('\n');
  const auto cpus = read_cpus(text.substr(0, end));
  if (cpus.empty())
    return fail(Errc::invalid, "this does not begin with the names of CPUs");
  std::vector<Interrupt> interrupts;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto interrupt = read_interrupt(line, cpus))
      interrupts.push_back(std::move(*interrupt));
  }
  return interrupts;
}

CidSet kept_cpus(const std::vector<CpuRights>& map) {
  CidSet kept;
  for (const auto& rights : map) {
    const bool is_delegated =
        std::ranges::none_of(rights.users, [](const CpuUser& user) { return user.path == "/"; });
    if (is_delegated && rights.borrows.empty())
      kept.insert(Cid{rights.cpu});
  }
  return kept;
}

std::string render_interrupts(const std::vector<Interrupt>& interrupts,
                              const std::vector<CpuRights>& map, const Style& style) {
  const auto kept = kept_cpus(map);
  Table table({{"IRQ", true},
               {"DEVICE", false, true},
               {"COUNT", true},
               {"CPUS", false, true},
               {"BELONG TO", false, true}});
  for (const auto& interrupt : interrupts) {
    const bool disturbs = !(interrupt.cpus & kept).empty();
    table.add_row({{std::to_string(interrupt.number)},
                   {interrupt.device},
                   {std::to_string(interrupt.count)},
                   {interrupt.cpus.to_string(), disturbs ? Paint::warn : Paint::plain},
                   {fmt::format("{}", fmt::join(owners(interrupt, map), ", "))}});
  }
  return table.render(style);
}

std::string to_json(const std::vector<Interrupt>& interrupts, const std::vector<CpuRights>& map,
                    int indent) {
  const auto kept = kept_cpus(map);
  auto list = json::Json::array();
  for (const auto& interrupt : interrupts)
    list.push_back({{"irq", interrupt.number},
                    {"device", interrupt.device},
                    {"count", interrupt.count},
                    {"cpus", interrupt.cpus.to_string()},
                    {"cgroups", owners(interrupt, map)},
                    {"on_kept_cpus", !(interrupt.cpus & kept).empty()}});
  return json::to_text(
      {{"schema", kSchema}, {"kept_cpus", kept.to_string()}, {"interrupts", std::move(list)}},
      indent);
}

std::string irqbalance_line(const std::vector<CpuRights>& map) {
  return fmt::format("IRQBALANCE_BANNED_CPULIST={}\n", kept_cpus(map).to_string());
}

}  // namespace fief::cli
