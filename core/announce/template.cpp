#include "core/announce/template.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace watchbill {

namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// One tag as it stands in the text.
struct Tag {
  std::size_t begin = 0;  ///< of its first brace
  std::size_t end = 0;    ///< after its last
  char sigil = 0;         ///< '#', '^', '/', '!', '{' (triple), or 0 for a variable
  std::string_view name{};
};

}  // namespace

/// Turns text into nodes, one tag after the other.
class TemplateCompiler {
 public:
  TemplateCompiler(std::string_view text, const TemplateVocabulary& vocabulary)
      : text_(text), vocabulary_(vocabulary) {}

  Result<Template> run() {
    if (text_.size() > Template::kMaxBytes) {
      return fail(ErrorKind::invalid, "the template is {} bytes long; at most {} are allowed", text_.size(),
                  Template::kMaxBytes);
    }
    if (!is_utf8(text_)) return fail(ErrorKind::invalid, "the template is not valid UTF-8");
    if (trim(text_).empty()) return fail(ErrorKind::invalid, "the template is empty");
    while (at_ < text_.size()) {
      const auto begin = text_.find("{{", at_);
      if (begin == std::string_view::npos) break;
      auto tag = read_tag(begin);
      if (!tag) return tag.error();
      if (auto done = take(*tag); !done) return done.error();
    }
    add_literal(text_.substr(at_));
    if (!section_.empty()) {
      return error_at(section_begin_,
                      fmt::format("{{{{#{0}}}}} is never closed; write {{{{/{0}}}}} after it", section_));
    }
    return std::move(result_);
  }

 private:
  using Kind = Template::Kind;
  using Node = Template::Node;

  [[nodiscard]] Error error_at(std::size_t at, std::string_view what) const {
    const auto before = text_.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
    return fail(ErrorKind::invalid, "line {}, column {}: {}", line,
                utf8_length(before.substr(line_begin)) + 1, what);
  }

  [[nodiscard]] Result<Tag> read_tag(std::size_t begin) const {
    Tag tag{.begin = begin};
    auto inside = begin + 2;
    if (inside < text_.size() && std::string_view("#^/!{&>=").find(text_[inside]) != std::string_view::npos)
      tag.sigil = text_[inside++];
    const std::string_view closing = tag.sigil == '{' ? "}}}" : "}}";
    const auto end = text_.find(closing, inside);
    if (end == std::string_view::npos)
      return error_at(begin, fmt::format("this tag is never closed; write {} after the name", closing));
    tag.end = end + closing.size();
    tag.name = trim(text_.substr(inside, end - inside));
    return check_form(tag);
  }

  [[nodiscard]] Result<Tag> check_form(const Tag& tag) const {
    if (tag.sigil == '!') return tag;
    if (tag.sigil == '>' || tag.sigil == '=')
      return error_at(tag.begin, "partials and other delimiters are not supported");
    if (tag.sigil == '&')
      return error_at(tag.begin,
                      "{{&…}} is not supported; write the name alone, values are escaped as needed");
    if (tag.name.empty()) return error_at(tag.begin, "this tag has no name");
    const bool plain = std::all_of(tag.name.begin(), tag.name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (!plain) {
      return error_at(tag.begin, fmt::format("\"{}\" is not a name; names have lower case letters and '_'",
                                             utf8_prefix(tag.name, 40)));
    }
    return tag;
  }

  Result<void> take(const Tag& tag) {
    const bool line_of_its_own = tag.sigil != 0 && tag.sigil != '{' && stands_alone(tag);
    auto literal = text_.substr(at_, tag.begin - at_);
    at_ = tag.end;
    if (line_of_its_own) {
      literal = literal.substr(0, literal.rfind('\n') + 1);
      at_ = std::min(text_.find('\n', tag.end), text_.size() - 1) + 1;
    }
    add_literal(literal);
    switch (tag.sigil) {
      case '!':
        return {};
      case '#':
      case '^':
        return open(tag);
      case '/':
        return close(tag);
      default:
        return add_value(tag);
    }
  }

  /// True if nothing else, nor an earlier tag, is on the tag's line.
  [[nodiscard]] bool stands_alone(const Tag& tag) const {
    const auto line_begin = tag.begin == 0 ? 0 : text_.rfind('\n', tag.begin - 1) + 1;
    if (line_begin < at_) return false;
    const auto line_end = std::min(text_.find('\n', tag.end), text_.size());
    return is_blank(text_.substr(line_begin, tag.begin - line_begin)) &&
           is_blank(text_.substr(tag.end, line_end - tag.end));
  }

  [[nodiscard]] std::vector<Node>& target() {
    return section_.empty() ? result_.nodes_ : result_.nodes_.back().inner;
  }

  void add_literal(std::string_view literal) {
    if (literal.empty()) return;
    track_token(literal);
    target().push_back(Node{.kind = Kind::literal, .text = std::string(literal)});
  }

  /// Follows the author's own `<…>` tokens, to see what a value would be put into.
  void track_token(std::string_view literal) {
    for (const char c : literal) {
      if (c == '<') {
        in_token_ = true;
        token_.clear();
      } else if (c == '>' || c == '\n' || (c == ' ' && token_.empty())) {
        in_token_ = false;
      } else if (in_token_ && token_.size() < 8) {
        token_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool everyone =
            token_ == "!channel" || token_ == "!here" || token_ == "!everyon" || token_ == "!group";
        result_.notifies_everyone_ = result_.notifies_everyone_ || everyone;
      }
    }
  }

  /// A name of somebody's choosing inside `<…>` could become a mention of the whole channel; links are safe.
  [[nodiscard]] bool token_takes_values() const {
    return !in_token_ || token_.starts_with("https://") || token_.starts_with("http://") ||
           token_.starts_with("mailto:");
  }

  Result<void> open(const Tag& tag) {
    if (!section_.empty())
      return error_at(tag.begin, fmt::format("sections cannot be nested; close {} first", quoted(section_)));
    if (in_token_) return error_at(tag.begin, "a section cannot begin inside <…>");
    auto variable = find(tag);
    if (!variable) return variable.error();
    target().push_back(
        Node{.kind = tag.sigil == '#' ? Kind::section : Kind::inverted, .text = std::string(tag.name)});
    section_ = tag.name;
    section_begin_ = tag.begin;
    if (tag.sigil == '#' && (*variable)->kind == VariableKind::list) list_ = tag.name;
    return {};
  }

  Result<void> close(const Tag& tag) {
    if (section_.empty())
      return error_at(tag.begin, fmt::format("{{{{/{}}}}} closes nothing that is open", tag.name));
    if (tag.name != section_) {
      return error_at(tag.begin, fmt::format("{{{{/{}}}}} does not close {}; write {{{{/{}}}}}", tag.name,
                                             quoted(section_), section_));
    }
    if (in_token_) return error_at(tag.begin, "a section cannot end inside <…>");
    section_ = {};
    list_ = {};
    return {};
  }

  Result<void> add_value(const Tag& tag) {
    auto variable = find(tag);
    if (!variable) return variable.error();
    const auto kind = (*variable)->kind;
    if (kind == VariableKind::flag) {
      return error_at(tag.begin, fmt::format("{} is either so or not; write {{{{#{}}}}}text{{{{/{}}}}}",
                                             quoted(tag.name), tag.name, tag.name));
    }
    if (tag.sigil == '{' && kind == VariableKind::text) {
      return error_at(tag.begin,
                      fmt::format("{} was written by people and is always escaped; write {{{{{}}}}}",
                                  quoted(tag.name), tag.name));
    }
    if (!token_takes_values())
      return error_at(tag.begin, "inside <…> a value is allowed only in a link, after https://");
    target().push_back(
        Node{.kind = Kind::value, .text = std::string(tag.name), .escape = kind == VariableKind::text});
    return {};
  }

  static std::string quoted(std::string_view name) { return fmt::format("\"{}\"", name); }

  /// The variable of that name here; a list's own names go before those known everywhere.
  [[nodiscard]] Result<const TemplateVariable*> find(const Tag& tag) const {
    const TemplateVariable* found = nullptr;
    std::vector<std::string_view> known;
    std::string_view elsewhere;
    for (const auto& variable : vocabulary_) {
      const bool here = variable.list.empty() || variable.list == list_;
      if (here) known.push_back(variable.name);
      if (variable.name != tag.name) continue;
      if (!here) elsewhere = variable.list;
      if (here && (found == nullptr || !variable.list.empty())) found = &variable;
    }
    if (found != nullptr) return found;
    if (!elsewhere.empty()) {
      return error_at(tag.begin,
                      fmt::format("{} is known only within a list, as in {{{{#{}}}}}{{{{{}}}}}{{{{/{}}}}}",
                                  quoted(tag.name), elsewhere, tag.name, elsewhere));
    }
    const auto guess = closest(tag.name, known);
    return error_at(tag.begin,
                    fmt::format("{} does not exist{}; known here: {}", quoted(utf8_prefix(tag.name, 40)),
                                guess.empty() ? "" : fmt::format(", did you mean \"{}\"?", guess),
                                fmt::join(known, ", ")));
  }

  std::string_view text_;
  const TemplateVocabulary& vocabulary_;
  Template result_;
  std::size_t at_ = 0;
  std::string_view section_;  ///< the open one; empty: none
  std::size_t section_begin_ = 0;
  std::string_view list_;  ///< set while the open section is that of a list
  bool in_token_ = false;
  std::string token_;
};

/// Writes the nodes until the text is full.
struct Template::Filler {
  const TemplateData& data;
  std::size_t max_bytes;
  std::string out{};

  [[nodiscard]] bool full() const { return out.size() > max_bytes; }

  [[nodiscard]] std::string_view value(std::string_view name, const TemplateValues* entry) const {
    if (entry != nullptr) {
      if (const auto found = entry->find(name); found != entry->end()) return found->second;
    }
    const auto found = data.values.find(name);
    return found == data.values.end() ? std::string_view{} : found->second;
  }

  void section(const Node& node) {
    const auto list = data.lists.find(node.text);
    if (list == data.lists.end()) {
      if (value(node.text, nullptr).empty() == (node.kind == Kind::inverted)) fill(node.inner, nullptr);
      return;
    }
    if (node.kind == Kind::inverted) {
      if (list->second.empty()) fill(node.inner, nullptr);
      return;
    }
    for (const auto& entry : list->second) {
      if (full()) return;
      fill(node.inner, &entry);
    }
  }

  void fill(const std::vector<Node>& nodes, const TemplateValues* entry) {
    for (const auto& node : nodes) {
      if (full()) return;
      if (node.kind == Kind::literal) {
        out += node.text;
      } else if (node.kind == Kind::value) {
        const auto text = value(node.text, entry);
        out += node.escape ? slack_name(text) : std::string(text);
      } else {
        section(node);
      }
    }
  }
};

Result<Template> Template::compile(std::string_view text, const TemplateVocabulary& vocabulary) {
  return TemplateCompiler(text, vocabulary).run();
}

bool Template::uses(std::string_view name) const {
  const auto named = [&](const Node& node) { return node.kind != Kind::literal && node.text == name; };
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return named(node) || std::any_of(node.inner.begin(), node.inner.end(), named);
  });
}

std::string Template::render(const TemplateData& data, std::size_t max_characters) const {
  // A character has at most four bytes: past that the rest would be cut anyway.
  Filler filler{data, max_characters * 4};
  filler.fill(nodes_, nullptr);
  return cut_mrkdwn(trim(filler.out), max_characters);
}

}  // namespace watchbill
