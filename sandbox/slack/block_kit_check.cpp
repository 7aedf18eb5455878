#include "sandbox/slack/block_kit_check.hpp"

#include <algorithm>

namespace watchbill::sandbox {

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80U) units += byte >= 0xf0U ? 2 : 1;
  }
  return units;
}

void BlockCheck::wrong(std::string_view what) {
  constexpr std::size_t kEnough = 50;
  if (complaints_.size() < kEnough)
    complaints_.push_back(fmt::format("[ERROR] {} [json-pointer:{}]", what, pointer_));
}

void check_object(BlockCheck& check, json::View value, const BlockFields& fields) {
  if (!value.is_object()) return check.wrong("must provide an object");
  for (const auto& field : fields) {
    if (field.required && !value[field.name].exists()) {
      check.wrong(fmt::format("missing required field: {}", field.name));
    }
  }
  for (const auto member : value.items()) {
    const auto known = std::find_if(fields.begin(), fields.end(),
                                    [&](const BlockField& f) { return f.name == member.key(); });
    if (known != fields.end()) {
      const BlockCheck::Step step(check, member.key());
      known->check(check, member);
    } else if (member.key() != "type") {
      check.wrong(fmt::format("invalid additional property: {}", member.key()));
    }
  }
}

void check_list(BlockCheck& check, json::View list, std::size_t least, std::size_t most,
                void (*item)(BlockCheck&, json::View)) {
  if (!list.is_array()) return check.wrong("must provide an array");
  if (list.size() < least) check.wrong(fmt::format("no fewer than {} items allowed", least));
  if (list.size() > most) check.wrong(fmt::format("no more than {} items allowed", most));
  std::size_t index = 0;
  for (const auto one : list.items()) {
    const BlockCheck::Step step(check, index++);
    item(check, one);
  }
}

void check_length(BlockCheck& check, json::View text, std::size_t least, std::size_t most) {
  if (!text.is_string()) return check.wrong("must provide a string");
  const auto length = utf16_length(text.string_or(""));
  if (length < least) check.wrong(fmt::format("must be more than {} characters", least - 1));
  if (length > most) check.wrong(fmt::format("must be less than {} characters", most + 1));
}

void check_text(BlockCheck& check, json::View value, bool mrkdwn, std::size_t most) {
  if (!value.is_object()) return check.wrong("must provide an object");
  const auto type = value["type"].string_or("");
  if (type != "plain_text" && (type != "mrkdwn" || !mrkdwn)) {
    const BlockCheck::Step step(check, "type");
    return check.wrong(mrkdwn ? "must be one of: plain_text, mrkdwn" : "must be one of: plain_text");
  }
  for (const auto member : value.items()) {
    const BlockCheck::Step step(check, member.key());
    if (member.key() == "text") {
      check_length(check, member, 1, most);
    } else if (member.key() == (type == "mrkdwn" ? "verbatim" : "emoji")) {
      check_flag(check, member);
    } else if (member.key() != "type") {
      check.wrong(fmt::format("invalid additional property: {}", member.key()));
    }
  }
  if (!value["text"].exists()) check.wrong("missing required field: text");
}

void check_whole(BlockCheck& check, json::View value, std::int64_t least, std::int64_t most) {
  const auto number = value.integer();
  if (!number) return check.wrong("must provide a number");
  if (*number < least) check.wrong(fmt::format("must be at least {}", least));
  if (*number > most) check.wrong(fmt::format("must be at most {}", most));
}

void check_flag(BlockCheck& check, json::View value) {
  if (!value.is_bool()) check.wrong("must provide a boolean");
}

void check_url(BlockCheck& check, json::View value) {
  check_length(check, value, 1, 3000);
  const auto url = value.string_or("");
  const bool known = url.starts_with("https://") || url.starts_with("http://") ||
                     url.starts_with("mailto:") || url.starts_with("slack://");
  if (!url.empty() && (!known || url.find(' ') != std::string::npos)) check.wrong("invalid url");
}

void check_one_of(BlockCheck& check, json::View value, std::initializer_list<std::string_view> allowed) {
  if (!value.is_string()) return check.wrong("must provide a string");
  if (std::find(allowed.begin(), allowed.end(), value.string_or("")) != allowed.end()) return;
  check.wrong(fmt::format("must be one of: {}", fmt::join(allowed, ", ")));
}

}  // namespace watchbill::sandbox
