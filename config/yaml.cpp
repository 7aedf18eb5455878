#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "base/text.hpp"

namespace watchbill::config {

namespace {

/// Of everything in a document only where it starts.
class StartOfDocument : public YAML::EventHandler {
 public:
  [[nodiscard]] const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark mark_;
};

Result<std::size_t> count_documents(const std::string& text, const std::string& name) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  StartOfDocument document;
  std::optional<int> last;
  for (std::size_t count = 0;; ++count) {
    if (!parser.HandleNextDocument(document)) return count;
    // The parser stays where it is before what it does not know, and would find documents there for ever.
    if (last == document.mark().pos)
      return fail(ErrorKind::invalid, "{}: no YAML begins like this", place_of(name, document.mark()));
    last = document.mark().pos;
  }
}

/// The line that `mark` is in, counted from 0; empty past the end.
std::string_view line_at(std::string_view text, int number) {
  for (int i = 0; i < number; ++i) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find_first_of("\r\n"));
}

std::string_view word_at(std::string_view line, std::size_t at) {
  return line.substr(at, line.find_first_of(" \t,]}", at) - at);
}

/// Where a '#' directly before a word makes it a comment behind ':', '-', ',' or '[' (the last two: within a
/// list in brackets); npos for none.
std::size_t find_commented_word(std::string_view line, std::string_view behind) {
  char quote = 0;
  char last = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '[')) {
      const bool word =
          i + 1 < line.size() && std::string_view(" \t#-=!").find(line[i + 1]) == std::string_view::npos;
      return word && last != 0 && behind.find(last) != std::string_view::npos ? i : std::string_view::npos;
    }
    if (c != ' ' && c != '\t') last = c;
  }
  return std::string_view::npos;
}

bool indented_by_tab(std::string_view line) {
  const auto blanks = line.substr(0, line.find_first_not_of(" \t"));
  return blanks.size() < line.size() && blanks.find('\t') != std::string_view::npos;
}

/// What to write instead of what broke the YAML at `mark`: ": …", or empty.
std::string advice(std::string_view text, const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  for (int number = 0; number <= mark.line; ++number) {
    if (indented_by_tab(line_at(text, number)))
      return fmt::format(": line {} begins with a tab; indent with spaces", number + 1);
  }
  const auto line = line_at(text, mark.line);
  const auto column = static_cast<std::size_t>(std::max(mark.column, 0));
  if (column < line.size() && std::string_view("@`%").find(line[column]) != std::string_view::npos)
    return ": " + quoting_advice(word_at(line, column));
  for (int number = mark.line; number >= 0; --number) {
    const auto before = line_at(text, number);
    const auto at = find_commented_word(before, "[,");
    if (at != std::string_view::npos)
      return fmt::format(": in line {} {}", number + 1, quoting_advice(word_at(before, at)));
  }
  return {};
}

}  // namespace

std::string quoting_advice(std::string_view word) {
  const auto shown = one_line(utf8_prefix(word, 60));
  if (word.starts_with('#'))
    return fmt::format("write \"{}\" in quotes: in YAML '#' begins a comment", shown);
  return fmt::format("write \"{}\" in quotes: in YAML no text begins with '{}'", shown, shown.substr(0, 1));
}

std::string commented_value(const std::string& text, const YAML::Mark& null) {
  if (null.is_null()) return {};
  // The empty entry of a list is found where the next one begins.
  for (const int number : {null.line, null.line - 1}) {
    const auto line = number < 0 ? std::string_view() : line_at(text, number);
    const auto at = find_commented_word(line, ":-");
    if (at != std::string_view::npos) return std::string(word_at(line, at));
    if (line.find_first_not_of(" \t-") != std::string_view::npos &&
        !line.substr(line.find_first_not_of(" \t")).starts_with('-'))
      return {};
  }
  return {};
}

std::string place_of(const std::string& name, const YAML::Mark& mark) {
  return mark.is_null() ? name : fmt::format("{}:{}:{}", name, mark.line + 1, mark.column + 1);
}

Result<YAML::Node> read_yaml(const std::string& text, const std::string& name) {
  if (text.size() > kLongestYaml)
    return fail(ErrorKind::invalid, "{}: is longer than {} bytes", name, kLongestYaml);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return fail(ErrorKind::invalid, "{}: is written in UTF-16: save it as UTF-8", name);
  try {
    const auto documents = count_documents(text, name);
    if (!documents) return documents.error();
    if (*documents > 1)
      return fail(ErrorKind::invalid,
                  "{}: has {} YAML documents, and one is read: take out the lines \"---\" between them", name,
                  *documents);
    return *documents == 0 ? YAML::Node() : YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid, "{}: {}{}", place_of(name, error.mark), one_line(error.msg),
                advice(text, error.mark));
  }
}

}  // namespace watchbill::config
