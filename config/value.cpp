#include "config/value.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "base/text.hpp"
#include "net/http.hpp"

namespace watchbill::config {

namespace {

Error wrong_kind(const Value& value, std::string_view expected) {
  constexpr std::string_view kinds[] = {"null", "text", "a list", "a section"};
  return fail(ErrorKind::invalid, "must be {}, not {}", expected,
              kinds[static_cast<std::size_t>(value.kind)]);
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A URL as an error may show it: it could hold a password.
std::string_view shown(const std::string& text) {
  return text.find('@') == std::string::npos ? utf8_prefix(text, 100) : "the URL";
}

}  // namespace

Result<void> read_text(const Value& value, std::string& into) {
  if (value.kind != Value::Kind::text) return wrong_kind(value, "text");
  if (value.text.empty()) return fail(ErrorKind::invalid, "must not be empty");
  if (!is_utf8(value.text)) return fail(ErrorKind::invalid, "is not valid UTF-8");
  if (has_control(value.text)) return fail(ErrorKind::invalid, "must be one line without control characters");
  into = value.text;
  return {};
}

Result<void> read_optional_text(const Value& value, std::string& into) {
  if (value.kind != Value::Kind::null) return read_text(value, into);
  into.clear();
  return {};
}

Result<void> check_path_text(std::string_view text) {
  const auto letter = [&](std::size_t at) {
    return at < text.size() &&
           ((text[at] >= 'a' && text[at] <= 'z') || (text[at] >= 'A' && text[at] <= 'Z') || text[at] == '_');
  };
  if (text.starts_with('~'))
    return fail(ErrorKind::invalid, "begins with \"~\", which only a shell replaces: write the whole path");
  if (text.size() > 2 && text[0] == '%' && letter(1) && text[2] == '/') {
    return fail(
        ErrorKind::invalid,
        "begins with a specifier of systemd's (%{}), which is replaced in units only: write the whole path",
        text[1]);
  }
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    if (!letter(at + 1) && text.substr(at + 1, 1) != "{") continue;
    return fail(
        ErrorKind::invalid,
        "has a variable in it ($NAME), which only a shell replaces: write the whole path (secrets that "
        "systemd gives as credentials are found without it)");
  }
  return {};
}

Result<void> read_path(const Value& value, std::string& into) {
  std::string text;
  if (auto good = read_text(value, text); !good) return good;
  if (auto good = check_path_text(text); !good) return good;
  // An absolute path stays as it is, whatever stands before it.
  into = (std::filesystem::path(value.base) / text).lexically_normal();
  return {};
}

Result<void> read_optional_path(const Value& value, std::string& into) {
  if (value.kind != Value::Kind::null) return read_path(value, into);
  into.clear();
  return {};
}

Result<void> check_secret_path(const std::string& text, const std::string& base) {
  if (auto good = check_path_text(text); !good) return good;
  // Only what surely is missing counts: a folder may be closed to who asks.
  const auto missing = [](const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::status(path, unknown).type() == std::filesystem::file_type::not_found;
  };
  const std::filesystem::path path(text);
  const auto file = std::filesystem::path(base) / path;
  const bool explicit_path = path.is_absolute() || text.starts_with("./") || text.starts_with("../");
  const bool is_path = explicit_path || !missing(path.has_parent_path() ? file.parent_path() : file);
  if (is_path && text.find("://") == std::string::npos) return {};
  return fail(ErrorKind::invalid,
              "must be the path of a file that holds the secret, not the secret itself (a bare NAME is read "
              "as a path only if that file is there)");
}

bool is_sealing_key(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  return text.size() == 64 && text.find_first_not_of(kDigits) == std::string_view::npos;
}

Result<void> read_key_path(const Value& value, std::string& into) {
  if (value.kind == Value::Kind::text && is_sealing_key(value.text))
    return fail(ErrorKind::invalid, "must be the path of the key's file, not the key itself");
  return read_path(value, into);
}

Result<void> read_secret_path(const Value& value, std::optional<std::string>& into) {
  if (value.kind == Value::Kind::text) {
    if (auto good = check_secret_path(value.text, value.base); !good) return good;
  }
  std::string path;
  if (auto good = read_optional_path(value, path); !good) return good;
  into = path.empty() ? std::nullopt : std::optional(path);
  return {};
}

Result<void> read_flag(const Value& value, bool& into) {
  if (value.kind != Value::Kind::text || (value.text != "true" && value.text != "false"))
    return fail(ErrorKind::invalid, "must be true or false");
  into = value.text == "true";
  return {};
}

Result<void> read_duration(const Value& value, milliseconds at_least, milliseconds& into) {
  std::string text;
  if (auto good = read_text(value, text); !good) return good;
  auto duration = parse_duration(text);
  if (!duration) return duration.error();
  if (*duration < at_least) return fail(ErrorKind::invalid, "must be at least {}", format_duration(at_least));
  into = *duration;
  return {};
}

Result<void> read_factor(const Value& value, double& into) {
  std::string text;
  if (auto good = read_text(value, text); !good) return good;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // The upper end keeps what is multiplied by it within range.
  if (error != std::errc{} || end != text.data() + text.size() || !(number > 0) || number > 1e6)
    return fail(ErrorKind::invalid, "\"{}\" is not a number above 0", utf8_prefix(text, 40));
  into = number;
  return {};
}

Result<void> read_list(const Value& value, std::vector<std::string>& into) {
  if (value.kind == Value::Kind::text)
    return fail(ErrorKind::invalid, "must be a list: write [\"{}\"]", utf8_prefix(value.text, 60));
  if (value.kind != Value::Kind::list) return wrong_kind(value, "a list");
  for (auto i = value.items.begin(); i != value.items.end(); ++i) {
    std::string item;
    if (auto good = read_text({Value::Kind::text, *i, {}, {}}, item); !good)
      return good.error().in("entry {}", i - value.items.begin() + 1);
    if (std::find(value.items.begin(), i, *i) != i)
      return fail(ErrorKind::invalid, "\"{}\" stands there twice", utf8_prefix(item, 100));
  }
  into = value.items;
  return {};
}

Result<void> check_slack_id(const std::string& text) {
  if (text.size() > 64 || !std::all_of(text.begin(), text.end(), is_letter_or_digit)) {
    return fail(ErrorKind::invalid, "\"{}\" is not a Slack id; ids are letters and digits, like C0123ABCD",
                utf8_prefix(text, 64));
  }
  return {};
}

Result<void> check_url(const std::string& text, bool any_http) {
  auto url = any_http ? net::parse_url(text) : net::parse_secure_url(text);
  if (!url) return url.error();
  if (url->path.find('?') != std::string::npos)
    return fail(ErrorKind::invalid, "{} must not have a query", shown(text));
  return {};
}

Result<void> check_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error != std::errc{} || stop != end) port = -1;
  }
  if (port < 0 || port > 65'535) {
    return fail(ErrorKind::invalid, "\"{}\" is not ADDRESS:PORT, like 127.0.0.1:9469",
                utf8_prefix(text, 100));
  }
  // Port 0 (any free one) is no port that a URL may have.
  auto url = net::parse_url("http://" + text.substr(0, colon) + ":1");
  if (!url || url->path != "/" || !url->loopback()) {
    return fail(
        ErrorKind::invalid,
        "\"{}\" is not a loopback address; listen on 127.0.0.1 or [::1] and put a proxy with TLS in front",
        utf8_prefix(text, 100));
  }
  return {};
}

Result<void> check_host(const std::string& text) {
  const bool plain = text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
                       return (is_letter_or_digit(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '.';
                     });
  if (!plain || text.front() == '.' || text.front() == '-') {
    return fail(ErrorKind::invalid,
                "\"{}\" is not a host name; write it alone, in lower case, like acme.example.com",
                utf8_prefix(text, 100));
  }
  return {};
}

}  // namespace watchbill::config
