#include "store/names.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace watchbill::store {

namespace {

std::string key_of(const ChannelId& channel) {
  return "channel_name:" + channel.value;
}

constexpr std::string_view kChannelWord = "channel";

bool is_word_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Length of the word that `text` begins with; 1 if it begins with none.
std::size_t word_at(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_word_character);
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::distance(text.begin(), end)));
}

/// Length of what stands in backticks at the beginning of `text`, these included; 1 if they do not end.
std::size_t command_at(std::string_view text) {
  const auto end = text.find('`', 1);
  return end == std::string_view::npos ? 1 : end + 1;
}

bool is_id(std::string_view word, std::string_view letters) {
  return word.size() > 1 && letters.find(word.front()) != std::string_view::npos &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

std::map<std::string, std::string, std::less<>> names_of_people(Store& store) {
  std::map<std::string, std::string, std::less<>> names;
  const auto users = store.people().users();
  if (!users) return names;
  for (const auto& user : *users) {
    if (!user.name.empty()) names.emplace(user.id.value, user.name);
  }
  return names;
}

}  // namespace

Result<void> remember_channel(Store& store, const ChannelId& channel, std::string_view name) {
  if (channel.empty() || name.empty()) return {};
  auto known = store.meta(key_of(channel));
  if (!known) return known.error();
  if (*known == name) return {};
  return store.relaxed_transaction([&] { return store.set_meta(key_of(channel), std::string(name)); });
}

std::string channel_label(Store& store, const ChannelId& channel) {
  const auto known = store.meta(key_of(channel));
  return known && *known ? "#" + **known : channel.value;
}

std::string with_names(Store& store, std::string_view text) {
  std::optional<std::map<std::string, std::string, std::less<>>> people;
  std::string out;
  std::string_view before;
  while (!text.empty()) {
    const auto length = text.front() == '`' ? command_at(text) : word_at(text);
    const auto word = text.substr(0, length);
    if (is_id(word, "UW") && word != "UTC" && before != "@") {
      if (!people) people = names_of_people(store);
      const auto known = people->find(word);
      out += known == people->end() ? word : std::string_view(known->second);
    } else if (is_id(word, "CGD") && before == kChannelWord) {
      out += channel_label(store, ChannelId(std::string(word)));
    } else {
      out += word;
    }
    if (word != " ") before = word;
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace watchbill::store
