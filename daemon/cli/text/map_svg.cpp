// SPDX-License-Identifier: GPL-2.0-only
// The CPU map as SVG. Sizes are in the drawing's own units, a pixel each where it is shown as is.
#include <algorithm>
#include <string_view>

#include "cli/text/cpu_map.hpp"
#include "cli/text/palette.hpp"
#include "core/utf8.hpp"

namespace fief::cli {
namespace {

constexpr int kCell = 28;
constexpr int kCoreGap = 6;
constexpr int kPad = 10;
constexpr int kTitle = 18;
constexpr int kRow = 22;
constexpr int kWidth = 1120;
constexpr std::size_t kCoresARow = 8;

// Text as XML 1.0 may hold it: marks escaped; what is no character is shown as U+FFFD.
std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = utf8_sequence(text);
    const auto character = text.substr(0, std::max<std::size_t>(size, 1));
    text.remove_prefix(character.size());
    if (size == 0 || static_cast<unsigned char>(character[0]) < 0x20 || character[0] == 0x7f)
      out += kReplacement;
    else if (character == "&")
      out += "&amp;";
    else if (character == "<")
      out += "&lt;";
    else if (character == ">")
      out += "&gt;";
    else if (character == "\"")
      out += "&quot;";
    else
      out += character;
  }
  return out;
}

std::string hex(const Colour& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

std::string_view ink(std::uint32_t party) {
  return colour_of(party).is_light() ? "#000" : "#fff";
}

double share_of(const MapPart& part) {
  return static_cast<double>(part.time) / double{kCpuUnit};
}

struct Point {
  int x = 0;
  int y = 0;
};

class Picture {
 public:
  explicit Picture(const CpuMap& map) : map_(map) {}

  std::string run() {
    int y = kPad;
    for (std::size_t node = 0; node < map_.cells.size();) {
      const auto end = group_end(map_, node, &CidInfo::node);
      y = draw_node(node, end, y) + kPad;
      node = end;
    }
    y = draw_legend(y);
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<title>CPUs and who uses them</title>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{2}</svg>\n",
        kWidth, y + kPad, body_);
  }

 private:
  struct Size {
    int width;
    int height;
  };

  [[nodiscard]] std::vector<std::size_t> cores(std::size_t begin, std::size_t end) const {
    std::vector<std::size_t> starts;
    for (auto core = begin; core < end; core = group_end(map_, core, &CidInfo::core))
      starts.push_back(core);
    return starts;
  }

  // Cores of an LLC in rows of equally wide places.
  [[nodiscard]] int core_width(std::size_t begin, std::size_t end) const {
    std::size_t threads = 1;
    for (const auto core : cores(begin, end))
      threads = std::max(threads, group_end(map_, core, &CidInfo::core) - core);
    return static_cast<int>(threads) * kCell + kCoreGap;
  }

  [[nodiscard]] Size llc_size(std::size_t begin, std::size_t end) const {
    const auto count = cores(begin, end).size();
    const auto rows = static_cast<int>((count + kCoresARow - 1) / kCoresARow);
    const auto in_row = static_cast<int>(std::min(count, kCoresARow));
    return {2 * kPad + in_row * core_width(begin, end) - kCoreGap,
            kTitle + kPad + rows * (kCell + kCoreGap)};
  }

  void box(Point at, Size size, std::string_view fill, const std::string& title) {
    body_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{}\" "
        "stroke=\"#666\"/>\n<text x=\"{}\" y=\"{}\" fill=\"#333\">{}</text>\n",
        at.x, at.y, size.width, size.height, fill, at.x + kPad, at.y + kTitle - 4, escaped(title));
  }

  // Returns where the next node may begin. LLCs go from left to right, and below when it is full.
  int draw_node(std::size_t begin, std::size_t end, int top) {
    std::vector<std::pair<std::size_t, Point>> places;
    Point at{2 * kPad, top + kTitle + 4};
    int bottom = at.y;
    for (auto llc = begin; llc < end;) {
      const auto next = group_end(map_, llc, &CidInfo::llc);
      const auto size = llc_size(llc, next);
      if (at.x > 2 * kPad && at.x + size.width > kWidth - 2 * kPad)
        at = {2 * kPad, bottom + kPad};
      places.emplace_back(llc, at);
      bottom = std::max(bottom, at.y + size.height);
      at.x += size.width + kPad;
      llc = next;
    }
    box({kPad, top}, {kWidth - 2 * kPad, bottom + kPad - top}, "#f4f4f4",
        fmt::format("node {}", map_.cells[begin].place.node));
    for (const auto& [llc, place] : places)
      draw_llc(llc, group_end(map_, llc, &CidInfo::llc), place);
    return bottom + kPad;
  }

  void draw_llc(std::size_t begin, std::size_t end, Point at) {
    box(at, llc_size(begin, end), "#fff", fmt::format("LLC {}", map_.cells[begin].place.llc));
    const auto width = core_width(begin, end);
    const auto starts = cores(begin, end);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      Point cell{at.x + kPad + static_cast<int>(i % kCoresARow) * width,
                 at.y + kTitle + static_cast<int>(i / kCoresARow) * (kCell + kCoreGap)};
      const auto core_end = group_end(map_, starts[i], &CidInfo::core);
      for (auto thread = starts[i]; thread < core_end; ++thread, cell.x += kCell)
        draw_cell(map_.cells[thread], cell);
    }
  }

  void draw_cell(const MapCell& cell, Point at) {
    body_ += fmt::format("<g><title>{}</title>", escaped(legend_of(cell)));
    double x = at.x;
    for (const auto& part : cell.parts) {
      const auto width = cell.parts.size() == 1 ? kCell : kCell * share_of(part);
      body_ += fmt::format(R"(<rect x="{:.2f}" y="{}" width="{:.2f}" height="{}" fill="{}"/>)", x,
                           at.y, width, kCell, hex(colour_of(part.party)));
      const auto code = code_of(part.party, map_);
      if (width >= 9.0 * static_cast<double>(code.size()))
        body_ += fmt::format(R"(<text x="{:.2f}" y="{}" fill="{}" text-anchor="middle">{}</text>)",
                             x + width / 2, at.y + kCell / 2 + 4, ink(part.party), code);
      x += width;
    }
    body_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" "
        "stroke=\"#333\"{}/></g>\n",
        at.x, at.y, kCell, kCell, cell.place.online ? "" : " stroke-dasharray=\"3\"");
  }

  [[nodiscard]] std::string legend_of(const MapCell& cell) const {
    auto text = fmt::format("CPU {} (cid {})", cell.place.cpu, cell.place.cid.value);
    if (cell.place.capacity != kFullCapacity)
      text += fmt::format(", cap {}", cell.place.capacity);
    if (!cell.place.online)
      text += ", offline";
    for (const auto& part : cell.parts)
      text += fmt::format(", {} {:.1f}%", map_.parties[part.party].name, 100 * share_of(part));
    return text;
  }

  // Returns the lower edge.
  int draw_legend(int top) {
    for (std::uint32_t i = 0; i < map_.parties.size(); ++i, top += kRow) {
      const auto& party = map_.parties[i];
      body_ += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#333\"/>"
          "<text x=\"{}\" y=\"{}\" fill=\"{}\" text-anchor=\"middle\">{}</text>"
          "<text x=\"{}\" y=\"{}\" fill=\"#000\">{}: due {}, {} whole, {} shared</text>\n",
          kPad, top, kCell, kRow - 4, hex(colour_of(i)), kPad + kCell / 2, top + kRow - 8, ink(i),
          code_of(i, map_), 2 * kPad + kCell, top + kRow - 8, escaped(party.name),
          format_cpus(party.due), party.whole, format_cpus(party.shared));
    }
    return top;
  }

  const CpuMap& map_;
  std::string body_;
};

}  // namespace

std::string render_svg(const CpuMap& map) {
  return Picture(map).run();
}

}  // namespace fief::cli
