// SPDX-License-Identifier: GPL-2.0-only
// Text in columns. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/text/style.hpp"

namespace fief::cli {

struct Cell {
  std::string text;
  Paint paint = Paint::plain;
};

struct Column {
  std::string heading;
  bool right = false;   ///< aligned to the right
  bool shrink = false;  ///< may be elided where the table is too wide
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns. Text is shown as printable() writes it, here and below.
  void add_row(std::vector<Cell> cells);
  /// A line of its own below the last row, not bound to the columns; @p lead is not painted.
  void add_note(const std::string& lead, Cell note);
  /// Heading and rows, no line wider than the style's width where shrinking can avoid it: container
  /// ids are shortened first, then cells that may shrink, but for the end of a path.
  [[nodiscard]] std::string render(const Style& style) const;

 private:
  struct Note {
    std::string lead;
    Cell cell;
  };
  struct Row {
    std::vector<Cell> cells;
    std::vector<Note> notes;
  };
  [[nodiscard]] std::vector<std::size_t> natural_widths() const;
  [[nodiscard]] std::size_t narrowest(std::size_t column, const Style& style) const;
  [[nodiscard]] std::vector<std::size_t> widths(const Style& style) const;
  [[nodiscard]] Table with_short_ids() const;
  [[nodiscard]] std::string render(const std::vector<std::size_t>& width, const Style& style) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace fief::cli
