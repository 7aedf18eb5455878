#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Text in columns, for people at a terminal.
namespace watchbill::cli {

/// How many columns a terminal uses for `text`: wide characters take two, combining ones none.
std::size_t display_width(std::string_view text);

/// The longest beginning of `text` that fits into `width` columns, with an ellipsis if something was cut.
std::string fit(std::string_view text, std::size_t width);

/// Rows under titles, two spaces apart. No line ends with spaces.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  /// One cell for each title. Line breaks and control characters in it become '?'.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// All lines. With `width` > 0 none is longer: the widest columns are cut, with an ellipsis.
  [[nodiscard]] std::string render(std::size_t width) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(std::size_t limit) const;
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace watchbill::cli
