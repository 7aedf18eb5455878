#include "providers/xmatters/paging.hpp"

namespace watchbill::providers::xmatters {

namespace {

/// Pages of 100 that one question may have; more is a fault.
constexpr int kMaxPages = 500;

}  // namespace

Result<std::string> PageCount::after(std::size_t rows, std::optional<std::size_t> total, std::string next) {
  rows_ += rows;
  ++pages_;
  if (total_ && total && *total != *total_) {
    torn_ = true;
    return fail(ErrorKind::unreadable, "{} changed while it was read, from {} entries to {}", what_, *total_,
                *total);
  }
  if (!total_) total_ = total;
  // A page was promised, by a link or by the total, and there is nothing on it.
  const bool missing = rows_ < total_.value_or(0);
  const bool nothing = rows == 0 && (missing || (pages_ > 1 && !total_));
  const bool no_way_on = missing && next.empty() && query_.empty();
  if (nothing || no_way_on) {
    torn_ = true;
    return fail(ErrorKind::unreadable, "{} ended after {} entries, before its end", what_, rows_);
  }
  if (rows == 0 || (next.empty() && !missing)) return std::string{};
  if (pages_ == kMaxPages) return fail(ErrorKind::unreadable, "{} does not end", what_);
  if (!next.empty()) return next;
  return fmt::format("{}&offset={}&limit=100", query_, rows_);
}

}  // namespace watchbill::providers::xmatters
