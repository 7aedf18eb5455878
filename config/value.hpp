#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_names.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// One value of the configuration as it was written, and how it becomes what it means. The functions put what
/// they read into `into`; their errors are fragments ("must be true or false") without the key.
namespace watchbill::config {

struct Value {
  enum class Kind { null, text, list, section };
  Kind kind = Kind::null;
  std::string text{};
  std::vector<std::string> items{};
  /// The folder that relative paths start from: the file's, or the one we run in.
  std::string base{};
};

/// Text of one line, not empty.
Result<void> read_text(const Value& value, std::string& into);
/// The same, or null, which becomes an empty text.
Result<void> read_optional_text(const Value& value, std::string& into);
/// What a shell would have replaced in a path ("~/key", "$HOME/key", "${X}") and systemd in a unit
/// ("%S/key"): no file of that name is meant. Does not repeat the text.
Result<void> check_path_text(std::string_view text);
/// A path, made absolute.
Result<void> read_path(const Value& value, std::string& into);
Result<void> read_optional_path(const Value& value, std::string& into);
/// The path of the sealing key's file, which may have to be made. The key itself is refused without repeating
/// it.
Result<void> read_key_path(const Value& value, std::string& into);
/// A secret in place of the path of its file is refused without repeating it: a text with "://", a bare NAME
/// that is not there (seen from `base`), and one with slashes whose folder is not.
Result<void> check_secret_path(const std::string& text, const std::string& base);
/// True for what the sealing key looks like: 64 hexadecimal digits.
bool is_sealing_key(std::string_view text);
/// The path of a file that holds a secret, or null. A secret in its place is refused without repeating it.
Result<void> read_secret_path(const Value& value, std::optional<std::string>& into);
Result<void> read_flag(const Value& value, bool& into);
Result<void> read_duration(const Value& value, milliseconds at_least, milliseconds& into);
/// A number above 0.
Result<void> read_factor(const Value& value, double& into);
Result<void> read_list(const Value& value, std::vector<std::string>& into);
/// "C0123ABCD": letters and digits, as Slack's identities are.
Result<void> check_slack_id(const std::string& text);
/// An http(s) URL; plain http only to loopback addresses unless `any_http`.
Result<void> check_url(const std::string& text, bool any_http);
/// "127.0.0.1:9469", "[::1]:0", "localhost:80": where a proxy on this host can reach us.
Result<void> check_listen(const std::string& text);
/// "acme.example.com": a host name alone, lower case.
Result<void> check_host(const std::string& text);

template <class Choice, std::size_t count>
Result<void> read_choice(const Value& value, const NameTable<Choice, count>& table, Choice& into) {
  std::string text;
  if (auto good = read_text(value, text); !good) return good;
  auto choice = value_in(table, "value", text);
  if (!choice) return choice.error();
  into = *choice;
  return {};
}

template <class Tag>
Result<void> read_optional_id(const Value& value, std::optional<Id<Tag>>& into) {
  std::string text;
  if (auto good = read_optional_text(value, text); !good) return good;
  if (text.empty()) {
    into.reset();
    return {};
  }
  if (auto good = check_slack_id(text); !good) return good;
  into = Id<Tag>(text);
  return {};
}

}  // namespace watchbill::config
