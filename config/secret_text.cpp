#include "config/secret_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"

namespace watchbill::config {

namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";  // U+FEFF in UTF-8
constexpr std::string_view kBlanks = " \t\r\n";
/// How keys are introduced in the header Authorization: of Slack and most others, PagerDuty, Opsgenie.
constexpr auto kSchemes = std::to_array<std::string_view>({"Bearer ", "Token token=", "GenieKey ", "Basic "});

/// A token may have '=' in it (Atlassian's have, near their end), and what stands before look like a name.
constexpr std::size_t kLongestName = 40;

struct Opening {
  std::string_view text;
  SecretKind kind;
};
// docs.slack.dev/authentication/tokens; those that rotate begin with "xoxe.".
constexpr auto kOpenings = std::to_array<Opening>({{"xoxb-", SecretKind::bot_token},
                                                   {"xoxe.xoxb-", SecretKind::bot_token},
                                                   {"xoxp-", SecretKind::user_token},
                                                   {"xoxe.xoxp-", SecretKind::user_token},
                                                   {"xapp-", SecretKind::app_token},
                                                   {"https://", SecretKind::url},
                                                   {"http://", SecretKind::url}});

/// "Slack's bot token (xoxb-…)"
std::string_view described(SecretKind kind) {
  switch (kind) {
    case SecretKind::bot_token:
      return "Slack's bot token (xoxb-…)";
    case SecretKind::user_token:
      return "Slack's token of a user (xoxp-…)";
    case SecretKind::app_token:
      return "Slack's app-level token (xapp-…)";
    case SecretKind::signing_secret:
      return "the signing secret of the Slack app";
    case SecretKind::url:
      return "a URL (https://…)";
    case SecretKind::system_key:
      break;
  }
  return "a key of the scheduling system";
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::optional<SecretKind> kind_of(std::string_view text) {
  for (const auto& [opening, kind] : kOpenings) {
    if (same_letters(text.substr(0, opening.size()), opening)) return kind;
  }
  return std::nullopt;
}

/// Of a text that begins like none of `kOpenings`: older tokens of Slack's ("xoxa-…") still work.
bool may_be(std::string_view text, SecretKind kind) {
  if (kind == SecretKind::system_key || kind == SecretKind::signing_secret) return true;
  return (kind == SecretKind::bot_token || kind == SecretKind::user_token) && text.starts_with("xox");
}

/// Slack's tokens that no program is given: of a browser's session, and those that fetch new tokens.
bool is_unusable_token(std::string_view text) {
  constexpr auto beginnings = std::to_array<std::string_view>({"xoxc-", "xoxd-", "xoxs-", "xoxe-"});
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.starts_with(beginning); });
}

/// Length of "SLACK_BOT_TOKEN=", "export KEY=" or "api_key: "; 0 if the text begins with no name. A key may
/// have '=' in it, so what stands before must be a name that people give to secrets.
std::size_t name_length(std::string_view text) {
  constexpr std::string_view export_word = "export ";
  const std::size_t from = text.starts_with(export_word) ? export_word.size() : 0;
  auto end = from;
  while (end < text.size() &&
         (text[end] == '_' || text[end] == '-' || text[end] == '.' ||
          (text[end] >= '0' && text[end] <= '9') || (text[end] >= 'a' && text[end] <= 'z') ||
          (text[end] >= 'A' && text[end] <= 'Z')))
    ++end;
  const auto name = text.substr(from, end - from);
  auto sign = text.find_first_not_of(' ', end);
  if (name.empty() || name.size() > kLongestName || sign == std::string_view::npos) return 0;
  const bool colon = text[sign] == ':' && sign + 1 < text.size() && text[sign + 1] == ' ';
  if (text[sign] != '=' && !colon) return 0;
  const auto rest = text.find_first_not_of(' ', sign + 1);
  if (rest == std::string_view::npos || text[rest] == '=') return 0;
  constexpr auto words =
      std::to_array<std::string_view>({"key", "token", "secret", "password", "url", "authorization"});
  const bool secret_word = std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return name.size() >= word.size() && same_letters(name.substr(name.size() - word.size()), word);
  });
  return secret_word || from > 0 || kind_of(text.substr(rest)) ? rest : 0;
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Length of the scheme in front, 0 for none.
std::size_t scheme_length(std::string_view text) {
  for (const auto scheme : kSchemes) {
    if (text.size() > scheme.size() && same_letters(text.substr(0, scheme.size()), scheme))
      return scheme.size();
  }
  return 0;
}

bool in_quotes(std::string_view text) {
  const char first = text.empty() ? ' ' : text.front();
  return text.size() >= 2 && (first == '"' || first == '\'' || first == '`') && text.back() == first;
}

/// What editors put into files.
Result<void> check_encoding(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return fail(ErrorKind::invalid, "is written in UTF-16: save it as UTF-8");
  if (text.starts_with(kMark))
    return fail(ErrorKind::invalid, "begins with a byte order mark: save it as UTF-8 without one");
  return {};
}

Result<void> check_alone(std::string_view text) {
  if (auto good = check_encoding(text); !good) return good;
  if (without_blanks(text).size() != text.size())
    return fail(ErrorKind::invalid, "has spaces around the secret: write the secret alone");
  if (in_quotes(text))
    return fail(ErrorKind::invalid, "stands in quotes: write the secret alone, without them");
  if (name_length(text) > 0) {
    return fail(ErrorKind::invalid,
                "begins with a name, as in NAME=SECRET: write the secret alone, what stands after the sign");
  }
  if (scheme_length(text) > 0) {
    return fail(ErrorKind::invalid,
                "begins as the header Authorization does, as in \"Bearer SECRET\": write the secret alone");
  }
  if (text.find_first_of(" \t") != std::string_view::npos)
    return fail(ErrorKind::invalid, "has a space in it, and no secret has: write the secret alone");
  return {};
}

}  // namespace

Result<void> check_secret_text(std::string_view text, SecretKind kind) {
  if (auto good = check_alone(text); !good) return good;
  if (is_unusable_token(text)) {
    return fail(
        ErrorKind::invalid,
        "is a token of Slack's that no app is given (of a browser, or for fetching tokens): it must be {}",
        described(kind));
  }
  const auto other = kind_of(text);
  if (other && *other != kind)
    return fail(ErrorKind::invalid, "is {}: it must be {}", described(*other), described(kind));
  if (!other && !may_be(text, kind)) return fail(ErrorKind::invalid, "is not {}", described(kind));
  return {};
}

Result<Secret> secret_of_file(std::string content, SecretKind kind) {
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) content.pop_back();
  if (content.empty()) return fail(ErrorKind::invalid, "is empty");
  if (auto good = check_encoding(content); !good) return good.error();
  if (content.find_first_of("\r\n") != std::string::npos)
    return fail(ErrorKind::invalid, "has more than one line: write the secret alone, in one line");
  if (auto good = check_secret_text(content, kind); !good) return good.error();
  if (has_control(content)) return fail(ErrorKind::invalid, "has a control character in it");
  return Secret(std::move(content));
}

std::string pasted_secret(std::string_view text) {
  std::string_view before;
  do {
    before = text;
    if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
    text = without_blanks(text);
    text.remove_prefix(name_length(text));
    text.remove_prefix(scheme_length(text));
    if (in_quotes(text)) text = text.substr(1, text.size() - 2);
  } while (text.size() != before.size());
  return std::string(text);
}

}  // namespace watchbill::config
