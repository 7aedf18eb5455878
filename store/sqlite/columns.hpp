#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "store/codec.hpp"
#include "store/sqlite/database.hpp"

namespace watchbill::store {

/// A row's content that cannot be understood.
inline Error corrupt(std::string_view table, std::string_view row, std::string_view column,
                     std::string_view why) {
  Error error = fail(ErrorKind::storage, "table {}, row {}, column {}: {}", table, row, column, why);
  error.code = "corrupt";
  return error;
}

/// Reads a row's columns in their order and remembers the first that makes no sense.
class Columns {
 public:
  explicit Columns(const Row& row) : row_(row) {}

  template <class T>
  Columns& plain(T& out) {
    row_.read(next_++, out);
    return *this;
  }
  /// A word of an enum, read by `parse`.
  template <class T, class Parse>
  Columns& word(const char* column, T& out, Parse parse) {
    auto value = parse(row_.get<std::string>(next_++));
    if (value) {
      out = *value;
    } else {
      note(column, value.error());
    }
    return *this;
  }
  template <class T>
  Columns& json(const char* column, T& out) {
    auto value = decode<T>(row_.get<std::string>(next_++));
    if (value) {
      out = std::move(*value);
    } else {
      note(column, value.error());
    }
    return *this;
  }
  template <class T>
  Columns& json(const char* column, std::optional<T>& out) {
    out.reset();
    if (row_.is_null(next_)) {
      ++next_;
      return *this;
    }
    return json(column, out.emplace());
  }

  /// Where a failure was is said as table, row and column.
  [[nodiscard]] Result<void> done(std::string_view table, std::string_view row) const {
    if (column_ == nullptr) return {};
    return corrupt(table, row, column_, why_);
  }
  [[nodiscard]] Result<void> done(std::string_view table, std::int64_t row) const {
    return column_ == nullptr ? Result<void>() : done(table, fmt::format("{}", row));
  }

 private:
  void note(const char* column, const Error& error) {
    if (column_ != nullptr) return;
    column_ = column;
    why_ = error.message;
  }

  const Row& row_;
  int next_ = 0;
  const char* column_ = nullptr;
  std::string why_;
};

/// How many rows are coming, so that what is large is not moved while its vector grows; 0 if that is not
/// known.
inline std::size_t rows_in(Database& database, const std::string& count) {
  const auto rows = database.value<std::int64_t>(count);
  return rows && *rows ? static_cast<std::size_t>(**rows) : 0;
}

/// An optional structure as a JSON column.
template <class T>
std::optional<std::string> encode_maybe(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return encode(*value);
}

}  // namespace watchbill::store
