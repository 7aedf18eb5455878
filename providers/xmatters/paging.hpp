#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace watchbill::providers::xmatters {

/// Follows a list over its pages, and tells whether all of it was read: who stands on a page that was not
/// read would seem to be off call.
class PageCount {
 public:
  /// `what` names the list in errors. `query` is a path with at least one parameter, to which `offset` and
  /// `limit` are added where a page has no link; if it is empty, the list cannot be followed without links.
  PageCount(std::string what, std::string query) : what_(std::move(what)), query_(std::move(query)) {}

  /// The target of the first page.
  [[nodiscard]] std::string first() const { return query_ + "&offset=0&limit=100"; }
  /// Counts a page and gives the target of the next one; empty after the last. Fails as `unreadable` if the
  /// pages do not make up one whole list, or never end. `total` is missing if the page did not say.
  Result<std::string> after(std::size_t rows, std::optional<std::size_t> total, std::string next);
  /// The pages did not make up one list: reading it from the start may help.
  [[nodiscard]] bool torn() const { return torn_; }
  void tear() { torn_ = true; }

 private:
  std::string what_;
  std::string query_;
  int pages_ = 0;
  std::size_t rows_ = 0;
  std::optional<std::size_t> total_{};
  bool torn_ = false;
};

}  // namespace watchbill::providers::xmatters
