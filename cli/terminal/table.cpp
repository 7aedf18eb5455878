#include "cli/terminal/table.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "cli/terminal/io.hpp"

namespace watchbill::cli {

namespace {

constexpr std::size_t kGap = 2;
/// No column is made narrower than this.
constexpr std::size_t kNarrowest = 6;
constexpr const char* kEllipsis = "\u2026";

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
};

/// The first character of `text`; a broken byte counts as one.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes == 1 || lead < 0xC2 || bytes > text.size()) return {lead, 1};
  char32_t code = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) return {lead, 1};
    code = (code << 6U) | (next & 0x3FU);
  }
  return {code, bytes};
}

using Ranges = std::pair<char32_t, char32_t>;

/// Unicode TR 11 in coarse blocks: a misjudged rare character only moves a column.
constexpr std::array<Ranges, 11> kWide{{{0x1100, 0x115F},
                                        {0x2E80, 0xA4CF},
                                        {0xAC00, 0xD7A3},
                                        {0xF900, 0xFAFF},
                                        {0xFE30, 0xFE6F},
                                        {0xFF00, 0xFF60},
                                        {0xFFE0, 0xFFE6},
                                        {0x1F300, 0x1F64F},
                                        {0x1F680, 0x1F6FF},
                                        {0x1F900, 0x1F9FF},
                                        {0x20000, 0x3FFFD}}};
constexpr std::array<Ranges, 5> kNoWidth{
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xE0100, 0xE01EF}}};

template <std::size_t count>
bool within(const std::array<Ranges, count>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const Ranges& range) { return range.first <= code && code <= range.second; });
}

std::size_t width_of(char32_t code) {
  if (within(kNoWidth, code)) return 0;
  return within(kWide, code) ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  // Most text is plain ASCII, and a table has many cells.
  const auto plain =
      std::find_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  auto width = static_cast<std::size_t>(plain - text.begin());
  text.remove_prefix(width);
  while (!text.empty()) {
    const auto character = first_character(text);
    width += width_of(character.code);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const auto character = first_character(text.substr(end));
    const auto next = used + width_of(character.code);
    if (next > width - 1) break;
    used = next;
    end += character.bytes;
  }
  return std::string(text.substr(0, end)) + kEllipsis;
}

void Table::add(std::vector<std::string> cells) {
  if (cells.size() != titles_.size()) throw std::logic_error("a table row with another number of cells");
  for (auto& cell : cells) {
    cell = printable(cell);
    std::replace(cell.begin(), cell.end(), '\n', ' ');
  }
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t limit) const {
  std::vector<std::size_t> wide;
  for (const auto& title : titles_) wide.push_back(display_width(title));
  const auto least = wide;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) wide[i] = std::max(wide[i], display_width(row[i]));
  }
  const auto total = [&] {
    std::size_t sum = (wide.size() - 1) * kGap;
    for (const auto width : wide) sum += width;
    return sum;
  };
  // The widest column gives first: what is short stays readable.
  while (limit > 0 && total() > limit) {
    auto widest = wide.end();
    for (auto it = wide.begin(); it != wide.end(); ++it) {
      const auto floor = std::max(kNarrowest, least[static_cast<std::size_t>(it - wide.begin())]);
      if (*it > floor && (widest == wide.end() || *it > *widest)) widest = it;
    }
    if (widest == wide.end()) break;
    --*widest;
  }
  return wide;
}

std::string Table::render(std::size_t width) const {
  const auto columns = widths(width);
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto cell = fit(cells[i], columns[i]);
      text += cell;
      if (i + 1 < cells.size()) text.append(columns[i] - display_width(cell) + kGap, ' ');
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    out += (width > 0 ? fit(text, width) : text) + "\n";
  };
  line(titles_);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace watchbill::cli
