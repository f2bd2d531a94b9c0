// SPDX-License-Identifier: GPL-2.0-only
// The CPU map in a terminal: a line (or more) an LLC, threads of a core side by side.
#include <algorithm>
#include <cctype>

#include "cli/text/cpu_map.hpp"
#include "cli/text/palette.hpp"
#include "core/printable.hpp"

namespace fief::cli {
namespace {

constexpr std::size_t kIndent = 2;

// In the party's colour; letters of shared CPUs are underlined as well.
std::string coloured(const std::string& text, std::uint32_t party, bool shared,
                     const Style& style) {
  if (!style.colour)
    return text;
  const auto colour = colour_of(party);
  return fmt::format("\x1b[{}{};48;5;{}m{}\x1b[0m", shared ? "4;" : "",
                     colour.is_light() ? "38;5;16" : "38;5;231", colour.terminal(), text);
}

std::string small(std::string code) {
  std::ranges::transform(code, code.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return code;
}

class Drawing {
 public:
  Drawing(const CpuMap& map, const Style& style)
      : map_(map), style_(style), code_width_(code_of(0, map).size()) {}

  std::string run() {
    for (std::size_t node = 0; node < map_.cells.size();)
      node = draw_node(node);
    draw_legend();
    draw_shared();
    return std::move(text_);
  }

 private:
  std::size_t draw_node(std::size_t begin) {
    const auto end = group_end(map_, begin, &CidInfo::node);
    const auto& place = map_.cells[begin].place;
    text_ += painted(fmt::format("node {}", place.node), Paint::bold, style_) + '\n';
    for (auto llc = begin; llc < end;)
      llc = draw_llc(llc);
    return end;
  }

  std::size_t draw_llc(std::size_t begin) {
    const auto end = group_end(map_, begin, &CidInfo::llc);
    const auto label = fmt::format("{:{}}LLC {:<4}", "", kIndent, map_.cells[begin].place.llc);
    text_ += painted(label, Paint::dim, style_);
    auto column = label.size();
    auto capacity = kFullCapacity;
    for (auto core = begin; core < end;) {
      const auto core_end = group_end(map_, core, &CidInfo::core);
      const auto width = (core_end - core) * code_width_;
      if (const auto here = map_.cells[core].place.capacity; here != capacity) {
        const auto mark = fmt::format(" cap {}:", here);
        text_ += painted(mark, Paint::dim, style_);
        column += mark.size();
        capacity = here;
      }
      if (column + 1 + width > style_.width) {
        text_ += fmt::format("\n{:{}}", "", label.size());
        column = label.size();
      }
      text_ += ' ';
      column += 1 + width;
      for (; core < core_end; ++core)
        text_ += cell(map_.cells[core]);
    }
    text_ += '\n';
    return end;
  }

  [[nodiscard]] std::string cell(const MapCell& cell) const {
    std::string nobody(code_width_, cell.place.online ? '.' : '-');
    if (cell.parts.empty())
      return nobody;
    const auto party = cell.parts.front().party;
    const bool shared = cell.parts.size() > 1;
    const auto code = code_of(party, map_);
    return coloured(shared ? small(code) : code, party, shared, style_);
  }

  void draw_legend() {
    std::vector<std::string> names;
    std::size_t width = 0;
    for (const auto& party : map_.parties) {
      names.push_back(printable(party.name));
      width = std::max(width, columns(names.back()));
    }
    text_ += '\n';
    for (std::uint32_t i = 0; i < map_.parties.size(); ++i) {
      const auto& party = map_.parties[i];
      text_ += fmt::format("{:{}}{}  {}{:{}}  due {:>8}  whole {:>4}  shared {}\n", "", kIndent,
                           coloured(code_of(i, map_), i, false, style_), names[i], "",
                           width - columns(names[i]), format_cpus(party.due), party.whole,
                           format_cpus(party.shared));
    }
  }

  void draw_shared() {
    for (const auto& cell : map_.cells) {
      if (cell.parts.size() < 2)
        continue;
      text_ += fmt::format("{:{}}CPU {}:", "", kIndent, cell.place.cpu);
      for (const auto& part : cell.parts)
        text_ += fmt::format(" {} {:.1f}%", small(code_of(part.party, map_)),
                             100.0 * static_cast<double>(part.time) / double{kCpuUnit});
      text_ += '\n';
    }
  }

  const CpuMap& map_;
  const Style& style_;
  std::size_t code_width_;
  std::string text_;
};

}  // namespace

std::string render_map(const CpuMap& map, const Style& style) {
  return Drawing(map, style).run();
}

}  // namespace fief::cli
