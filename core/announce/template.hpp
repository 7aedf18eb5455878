#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// Templates for announcements: a subset of Mustache (mustache.github.io/mustache.5.html).
/// `{{name}}` inserts a value, `{{#name}}…{{/name}}` repeats for each entry of a list (or shows once if the
/// value is there), `{{^name}}…{{/name}}` shows if there is none, `{{! … }}` is a comment. Sections do not
/// nest. Tags of sections and comments that stand alone on a line leave no empty line behind.
namespace watchbill {

enum class VariableKind {
  text,    ///< from people: escaped and without effect on formatting
  markup,  ///< made by us (mentions, dates): inserted as it is; `{{{name}}}` means the same
  flag,    ///< only for sections
  list,    ///< for sections; as a variable it is the list in one phrase (made by us)
};

/// A name that a template may use.
struct TemplateVariable {
  std::string_view name;
  VariableKind kind;
  std::string_view list;  ///< known only within sections of this list; empty: everywhere
  std::string_view meaning;
};
using TemplateVocabulary = std::vector<TemplateVariable>;

using TemplateValues = std::map<std::string, std::string, std::less<>>;
/// What a template is filled with. A missing value is empty; a flag is set by any text.
struct TemplateData {
  TemplateValues values;
  std::map<std::string, std::vector<TemplateValues>, std::less<>> lists;
};

/// A template that has been checked.
class Template {
 public:
  /// Longest text of a template, in bytes.
  static constexpr std::size_t kMaxBytes = 4000;

  /// Reads and checks `text`. The error (`invalid`) starts with "line 2, column 7:" (characters, from 1) and
  /// says what would be right; for an unknown name it suggests one and lists them all.
  static Result<Template> compile(std::string_view text, const TemplateVocabulary& vocabulary);

  /// True if `name` occurs, as a variable or section.
  [[nodiscard]] bool uses(std::string_view name) const;
  /// True if its text notifies everybody of a channel or workspace: `<!channel>`, `<!here>`, `<!everyone>`
  /// (docs.slack.dev/messaging/formatting-message-text). No value can: none gets into `<…>`.
  [[nodiscard]] bool notifies_everyone() const { return notifies_everyone_; }
  /// Fills it in: mrkdwn of at most `max_characters` characters, cut with an ellipsis that splits no token.
  /// Takes time linear in template, data and limit.
  [[nodiscard]] std::string render(const TemplateData& data, std::size_t max_characters) const;

 private:
  friend class TemplateCompiler;
  enum class Kind { literal, value, section, inverted };
  struct Node {
    Kind kind = Kind::literal;
    std::string text;           ///< a literal's text, else the variable's name
    bool escape = false;        ///< the value comes from people
    std::vector<Node> inner{};  ///< of a section
  };
  struct Filler;

  std::vector<Node> nodes_;
  bool notifies_everyone_ = false;
};

}  // namespace watchbill
