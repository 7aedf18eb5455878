#include "slack_app/home/home.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/home/home_parts.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kQueryBytes = 400;
constexpr std::size_t kShiftsShown = 5;
/// Fewer rotations need no search.
constexpr std::size_t kSearchFrom = 8;

void append(Blocks& blocks, Blocks more) {
  std::move(more.begin(), more.end(), std::back_inserter(blocks));
}

std::string none_text(const HomeModel& model) {
  if (model.all > 0) return fmt::format("No rotation has \"{}\" in its name or group.", model.query);
  if (!model.may_create) return "There are no rotations yet.";
  return "There are no rotations yet. A rotation keeps one Slack user group equal to who is on call.";
}

}  // namespace

std::size_t page_count(std::size_t matching) {
  return std::max<std::size_t>(1, (matching + kRotationsPerPage - 1) / kRotationsPerPage);
}

Blocks rotation_heading(const HomeModel& model) {
  Blocks blocks{header(model.all > 0 ? fmt::format("Rotations ({})", model.all) : "Rotations")};
  if (model.may_create) {
    blocks.push_back(
        actions({button({kNewRotation, "New rotation", {}, Style::primary, {}, {}})}, "rotations"));
  }
  if (model.all >= kSearchFrom || !model.query.empty()) {
    blocks.push_back(input("search",
                           text_input({.action = kHomeSearch,
                                       .initial = model.query,
                                       .placeholder = "Name or group, then Enter",
                                       .max_length = 100,
                                       .events = TextEvents::on_enter}),
                           {.label = "Find a rotation", .optional = true, .dispatch = true}));
  }
  if (!model.query.empty()) {
    blocks.push_back(
        section(plain(fmt::format("{} of {} found for \"{}\"", model.matching, model.all, model.query)),
                button({kHomeSearchClear, "Show all", {}, Style::normal, {}, {}}), "searched"));
  }
  if (model.rotations.empty()) blocks.push_back(section(plain(none_text(model))));
  // Who has no menus at the rotations.
  if (!model.may_create && !model.guest && !model.rotations.empty()) {
    blocks.push_back(context(
        {mrkdwn(fmt::format("What happened in a rotation: `{} history NAME`", slack_name(model.command)))}));
  }
  return blocks;
}

Blocks page_blocks(const HomeModel& model) {
  const auto pages = page_count(model.matching);
  if (pages < 2) return {};
  const auto first = model.page * kRotationsPerPage + 1;
  const auto last = std::min(model.matching, first + kRotationsPerPage - 1);
  std::vector<Element> buttons;
  if (model.page > 0) {
    buttons.push_back(button({std::string(kHomePage) + "previous",
                              "\xE2\x97\x80 Previous",
                              std::to_string(model.page - 1),
                              Style::normal,
                              {},
                              {}}));
  }
  if (model.page + 1 < pages) {
    buttons.push_back(button({std::string(kHomePage) + "next",
                              "Next \xE2\x96\xB6",
                              std::to_string(model.page + 1),
                              Style::normal,
                              {},
                              {}}));
  }
  return {context({plain(fmt::format("{} to {} of {}, page {} of {}", first, last, model.matching,
                                     model.page + 1, pages))}),
          actions(buttons, "pages")};
}

Blocks shift_blocks(const HomeModel& model) {
  if (model.shifts.empty()) return {};
  std::string text;
  const auto shown = std::min(model.shifts.size(), kShiftsShown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& shift = model.shifts[i];
    text += (i == 0 ? "" : "\n") + shift_text(shift.rotation, shift.schedule, shift.from, shift.until);
  }
  if (shown < model.shifts.size()) text += fmt::format("\n_Later ones: `{} me`_", slack_name(model.command));
  return {header("My shifts"), section(mrkdwn(text)), divider()};
}

std::string home_view(const HomeModel& model) {
  Blocks blocks;
  if (!model.guest) append(blocks, attention_blocks(model));
  append(blocks, shift_blocks(model));
  if (!model.guest) append(blocks, system_blocks(model));
  append(blocks, rotation_heading(model));
  for (const auto& rotation : model.rotations) append(blocks, rotation_blocks(rotation, model.guest));
  append(blocks, page_blocks(model));
  return home_view(metadata_of(HomePosition{model.page, model.query}), blocks);
}

std::string metadata_of(const HomePosition& position) {
  json::Writer w;
  w.begin_object().field("page", position.page);
  w.field("query", utf8_prefix(position.query, kQueryBytes)).end_object();
  return w.take();
}

HomePosition home_position(const std::string& metadata) {
  const auto document = json::parse(metadata);
  if (!document) return {};
  const auto root = document->root();
  HomePosition position;
  position.page = static_cast<std::size_t>(std::clamp<std::int64_t>(root["page"].integer_or(0), 0, 100'000));
  position.query = std::string(utf8_prefix(root["query"].string_or(""), kQueryBytes));
  return position;
}

}  // namespace watchbill::slack_app
