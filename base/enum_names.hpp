#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

/// Words for the values of an enum: one table serves writing, reading and the error that lists the choices.
namespace watchbill {

template <class Value, std::size_t count>
using NameTable = std::array<std::pair<Value, std::string_view>, count>;

/// The word for `value`. A value outside the table is a bug and throws std::logic_error.
template <class Value, std::size_t count>
std::string_view name_in(const NameTable<Value, count>& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  throw std::logic_error("enum value without a name");
}

/// The value that `text` names, exactly. The error says what could have been written.
template <class Value, std::size_t count>
Result<Value> value_in(const NameTable<Value, count>& table, std::string_view what, std::string_view text) {
  std::string choices;
  for (std::size_t i = 0; i < count; ++i) {
    if (table[i].second == text) return table[i].first;
    if (i > 0) choices += i + 1 == count ? " or " : ", ";
    choices += table[i].second;
  }
  return fail(ErrorKind::invalid, "{} \"{}\" does not exist; use {}", what, text.substr(0, 40), choices);
}

}  // namespace watchbill
