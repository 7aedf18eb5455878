#pragma once

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace watchbill {

/// What the caller can do about a failure.
enum class ErrorKind {
  unreachable,   ///< no connection was made (refused, DNS, TLS): nothing was done; retry later
  timeout,       ///< no complete answer in time, or a reset: see `maybe_done`
  rate_limited,  ///< the other side asks us to wait (`retry_after` if it said how long)
  server,        ///< the other side failed (5xx, `internal_error`): retry later; see `maybe_done`
  unreadable,    ///< an answer came, but it is not what the API promises: keep what is known
  unauthorized,  ///< the credentials are dead or wrong: a person must act
  forbidden,     ///< the credentials live, but may not do this: a person must act
  not_found,     ///< the object is not there
  invalid,       ///< the input is wrong: retrying unchanged cannot help
  conflict,      ///< the object is taken, or changed meanwhile
  storage,       ///< the database or file system refused (full, locked, permissions)
  cancelled,     ///< we stopped it ourselves
  internal,      ///< a broken invariant of ours
};

/// "rate_limited", "not_found", ...: for logs, metrics and JSON.
std::string_view name_of(ErrorKind kind);

/// An expected failure. `message` is a sentence fragment for people: what happened, to which object.
/// It never contains a secret.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  /// The other side's own code, verbatim (`permission_denied`, `40301`); empty if it gave none.
  std::string code{};
  /// How long the other side asked us to wait.
  std::optional<std::chrono::seconds> retry_after{};
  /// True if the request may have taken effect although no good answer came back.
  bool maybe_done = false;

  /// Puts where it happened in front of the message: `error.in("PagerDuty schedule {}", id)`.
  template <class... Args>
  [[nodiscard]] Error in(fmt::format_string<Args...> format, Args&&... args) const {
    Error wrapped = *this;
    wrapped.message = fmt::format(format, std::forward<Args>(args)...) + ": " + message;
    return wrapped;
  }
};

/// Makes an error of `kind` with a formatted message.
template <class... Args>
[[nodiscard]] Error fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return Error{kind, fmt::format(format, std::forward<Args>(args)...)};
}

/// A value or the reason why there is none. Reading the wrong side throws std::logic_error: a bug of ours.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return check(), *std::get_if<0>(&state_); }
  const T& value() const& { return check(), *std::get_if<0>(&state_); }
  T&& value() && { return check(), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T fallback) const& { return ok() ? *std::get_if<0>(&state_) : std::move(fallback); }

  [[nodiscard]] const Error& error() const {
    if (ok()) throw std::logic_error("Result has no error");
    return *std::get_if<1>(&state_);
  }

 private:
  void check() const {
    if (!ok()) throw std::logic_error("Result has no value: " + std::get_if<1>(&state_)->message);
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or the reason for failure.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const Error& error() const {
    if (!error_) throw std::logic_error("Result has no error");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace watchbill
