#include "slack_app/blocks/blocks.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/json.hpp"
#include "base/text.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kMaxTitle = 24;
constexpr std::size_t kMaxMetadata = 3000;
constexpr std::size_t kMaxHeader = 150;
constexpr std::size_t kMaxLabel = 2000;
constexpr std::size_t kMaxContext = 10;
constexpr std::size_t kMaxActions = 25;
/// Slack's limit is 250 KB; what surrounds the view counts too.
constexpr std::size_t kMaxViewBytes = 240'000;

/// Characters that take two UTF-16 units.
std::size_t astral(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xF0; }));
}

Text text_of(std::string_view type, const std::string& text) {
  json::Writer w;
  w.begin_object().field("type", type).field("text", text);
  if (type == "mrkdwn") w.field("verbatim", true);
  w.end_object();
  return {w.take()};
}

void put_id(json::Writer& w, const std::string& id) {
  if (!id.empty()) w.field("block_id", id);
}

void put_metadata(json::Writer& w, const std::string& metadata) {
  if (metadata.size() > kMaxMetadata) throw std::logic_error("view metadata is longer than Slack allows");
  if (!metadata.empty()) w.field("private_metadata", metadata);
}

void put_blocks(json::Writer& w, const Blocks& blocks) {
  static const Block rest = context({plain("There is more than Slack can show here.")});
  std::size_t bytes = rest.json.size();
  std::size_t fits = 0;
  while (fits < blocks.size() && bytes + blocks[fits].json.size() + 1 <= kMaxViewBytes)
    bytes += blocks[fits++].json.size() + 1;
  const bool cut = fits < blocks.size() || blocks.size() > kMaxBlocks;
  const auto shown = cut ? std::min(fits, kMaxBlocks - 1) : blocks.size();
  w.key("blocks").begin_array();
  for (std::size_t i = 0; i < shown; ++i) w.raw(blocks[i].json);
  if (cut) w.raw(rest.json);
  w.end_array();
}

}  // namespace

std::string fit(std::string_view text, std::size_t units) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "\xE2\x80\x93";
  const auto wide = astral(text);
  if (utf8_length(text) + wide <= units) return std::string(text);
  // However the characters lie, what is kept has at most `units` of them with the wide ones counted twice.
  return cut_mrkdwn(text, units - std::min(wide, (units + 1) / 2));
}

Text plain(std::string_view text, std::size_t units) {
  return text_of("plain_text", fit(text, units));
}

Text mrkdwn(std::string_view text, std::size_t units) {
  return text_of("mrkdwn", fit(text, units));
}

Block header(std::string_view text) {
  json::Writer w;
  w.begin_object().field("type", "header").key("text").raw(plain(text, kMaxHeader).json).end_object();
  return {w.take()};
}

Block divider() {
  return {R"({"type":"divider"})"};
}

Block section(const Text& text, const std::string& id) {
  json::Writer w;
  w.begin_object().field("type", "section");
  put_id(w, id);
  w.key("text").raw(text.json).end_object();
  return {w.take()};
}

Block section(const Text& text, const Element& accessory, const std::string& id) {
  json::Writer w;
  w.begin_object().field("type", "section");
  put_id(w, id);
  w.key("text").raw(text.json).key("accessory").raw(accessory.json).end_object();
  return {w.take()};
}

Block context(const std::vector<Text>& texts) {
  json::Writer w;
  w.begin_object().field("type", "context").key("elements").begin_array();
  for (std::size_t i = 0; i < std::min(texts.size(), kMaxContext); ++i) w.raw(texts[i].json);
  w.end_array().end_object();
  return {w.take()};
}

Block actions(const std::vector<Element>& elements, const std::string& id) {
  json::Writer w;
  w.begin_object().field("type", "actions");
  put_id(w, id);
  w.key("elements").begin_array();
  for (std::size_t i = 0; i < std::min(elements.size(), kMaxActions); ++i) w.raw(elements[i].json);
  w.end_array().end_object();
  return {w.take()};
}

Block input(const std::string& id, const Element& element, const InputLook& look) {
  json::Writer w;
  w.begin_object().field("type", "input");
  put_id(w, id);
  w.key("label").raw(plain(look.label, kMaxLabel).json).key("element").raw(element.json);
  if (!look.hint.empty()) w.key("hint").raw(plain(look.hint, kMaxLabel).json);
  if (look.optional) w.field("optional", true);
  if (look.dispatch) w.field("dispatch_action", true);
  w.end_object();
  return {w.take()};
}

std::string home_view(const std::string& metadata, const Blocks& blocks) {
  json::Writer w;
  w.begin_object().field("type", "home").field("callback_id", "home");
  put_metadata(w, metadata);
  put_blocks(w, blocks);
  w.end_object();
  return w.take();
}

std::string modal_view(const Modal& modal, const Blocks& blocks) {
  json::Writer w;
  w.begin_object().field("type", "modal").field("callback_id", modal.callback);
  w.key("title").raw(plain(modal.title, kMaxTitle).json);
  if (!modal.submit.empty()) w.key("submit").raw(plain(modal.submit, kMaxTitle).json);
  w.key("close").raw(plain(modal.close, kMaxTitle).json);
  put_metadata(w, modal.metadata);
  if (modal.notify_on_close) w.field("notify_on_close", true);
  put_blocks(w, blocks);
  w.end_object();
  return w.take();
}

}  // namespace watchbill::slack_app
