// SPDX-License-Identifier: GPL-2.0-only
#include "cli/text/table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/printable.hpp"

namespace fief::cli {
namespace {

constexpr std::size_t kGap = 2;
// Narrower than this a column says nothing.
constexpr std::size_t kNarrowest = 12;

// The text line by line has no blanks at its end, painted or not.
std::string render_row(const std::vector<Column>& columns_of, const std::vector<Cell>& cells,
                       const std::vector<std::size_t>& widths, const Style& style) {
  std::string line;
  std::size_t blanks = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto text = elided(cells[i].text, widths[i], style);
    const auto padding = widths[i] - columns(text);
    const auto before = columns_of[i].right ? padding : 0;
    if (!text.empty()) {
      line.append(blanks + before, ' ');
      line += painted(text, cells[i].paint, style);
      blanks = 0;
    }
    blanks += (text.empty() ? widths[i] : padding - before) + kGap;
  }
  return line + '\n';
}

std::size_t total_of(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
}

Cell safe(Cell cell) {
  cell.text = printable(cell.text);
  return cell;
}

}  // namespace

void Table::add_row(std::vector<Cell> cells) {
  for (auto& cell : cells)
    cell = safe(std::move(cell));
  rows_.push_back({std::move(cells), {}});
}

void Table::add_note(const std::string& lead, Cell note) {
  rows_.back().notes.push_back({printable(lead), safe(std::move(note))});
}

std::vector<std::size_t> Table::natural_widths() const {
  std::vector<std::size_t> widths;
  widths.reserve(columns_.size());
  for (const auto& column : columns_)
    widths.push_back(columns(column.heading));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < columns_.size(); ++i)
      widths[i] = std::max(widths[i], columns(row.cells[i].text));
  return widths;
}

// Of names, which come first, the ends must stay: two cgroups are not to look the same.
std::size_t Table::narrowest(std::size_t column, const Style& style) const {
  auto width = kNarrowest;
  if (column == 0)
    for (const auto& row : rows_)
      width = std::max(width, columns_of_end(row.cells[column].text, style));
  return width;
}

std::vector<std::size_t> Table::widths(const Style& style) const {
  auto widths = natural_widths();
  std::vector<std::size_t> least;
  least.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i)
    least.push_back(columns_[i].shrink ? narrowest(i, style) : widths[i]);
  for (auto total = total_of(widths); total > style.width; --total) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (widths[i] > least[i] && (!widest || widths[i] > *widest))
        widest = &widths[i];
    if (widest == nullptr)
      break;
    --*widest;
  }
  return widths;
}

Table Table::with_short_ids() const {
  auto table = *this;
  for (auto& row : table.rows_)
    for (auto& cell : row.cells)
      cell.text = cli::with_short_ids(cell.text);
  return table;
}

std::string Table::render(const Style& style) const {
  if (style.whole || total_of(natural_widths()) <= style.width)
    return render(natural_widths(), style);
  const auto table = with_short_ids();
  return table.render(table.widths(style), style);
}

std::string Table::render(const std::vector<std::size_t>& width, const Style& style) const {
  std::vector<Cell> headings;
  headings.reserve(columns_.size());
  for (const auto& column : columns_)
    headings.push_back({column.heading, Paint::bold});
  auto text = render_row(columns_, headings, width, style);
  for (const auto& row : rows_) {
    text += render_row(columns_, row.cells, width, style);
    for (const auto& note : row.notes)
      text += note.lead + painted(note.cell.text, note.cell.paint, style) + '\n';
  }
  return text;
}

}  // namespace fief::cli
