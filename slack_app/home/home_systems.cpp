#include <algorithm>

#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "providers/provider.hpp"
#include "slack_app/home/home_parts.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kAttentionShown = 8;
constexpr std::size_t kSystemsShown = 10;
constexpr std::size_t kAttentionUnits = 900;
constexpr std::size_t kSystemUnits = 900;
constexpr std::size_t kProblemCharacters = 500;

Block attention_block(const Attention& attention, const HomeModel& model, std::size_t index) {
  const auto id = "attention:" + std::to_string(index);
  const auto with = [&](const char* action, const char* label, Style style) {
    return section(mrkdwn(attention.text, kAttentionUnits),
                   button({action, label, attention.object, style, {}, {}}), id);
  };
  if (attention.fix == Attention::Fix::person && model.may_fix_people)
    return with(kFixPerson, "Fix", Style::primary);
  if (attention.fix == Attention::Fix::connection && model.may_connect)
    return with(kFixSystem, "New credentials", Style::primary);
  if (attention.fix == Attention::Fix::account) return with(kLookAtAccount, "Confirm", Style::primary);
  if (attention.fix == Attention::Fix::rotation) return with(kFixRotation, "Edit", Style::normal);
  return section(mrkdwn(attention.text, kAttentionUnits), id);
}

std::string answered(const SystemLine& system) {
  if (!system.last_success) return system.rotations == 0 ? "connected" : "has not answered yet";
  return "last good answer " + slack_date(*system.last_success);
}

std::string system_text(const SystemLine& system) {
  const bool good = system.state == "ok";
  auto text =
      fmt::format("{} *{}* ({})  \xC2\xB7  {}  \xC2\xB7  {}", good ? "\xF0\x9F\x9F\xA2" : "\xF0\x9F\x94\xB4",
                  slack_name(system.name, 63), system.title,
                  good                             ? answered(system)
                  : system.state == "unauthorized" ? "refuses its credentials, " + answered(system)
                                                   : "does not answer, " + answered(system),
                  system.rotations == 0 ? std::string("no rotation uses it yet")
                                        : counted(system.rotations, "rotation uses it", "rotations use it"));
  if (!system.notice.empty()) text += "\n" + slack_name(system.notice, kProblemCharacters);
  if (!system.problem.empty()) text += "\n" + slack_name(system.problem, kProblemCharacters);
  return text;
}

Block system_block(const SystemLine& system, bool may_connect) {
  const auto id = "system:" + system.name;
  const auto text = mrkdwn(system_text(system), kSystemUnits);
  if (!may_connect) return section(text, id);
  if (system.state == "unauthorized")
    return section(text, button({kFixSystem, "New credentials", system.name, Style::primary, {}, {}}), id);
  return section(text,
                 overflow(kSystemMenu, {option("Test", "test:" + system.name),
                                        option("New credentials", "update:" + system.name),
                                        option("Disconnect", "remove:" + system.name)}),
                 id);
}

}  // namespace

Blocks attention_blocks(const HomeModel& model) {
  if (model.attention.empty()) return {};
  Blocks blocks{header("Needs attention")};
  const auto shown = std::min(model.attention.size(), kAttentionShown);
  for (std::size_t i = 0; i < shown; ++i) blocks.push_back(attention_block(model.attention[i], model, i));
  if (shown < model.attention.size()) {
    blocks.push_back(context({plain(
        fmt::format("And {} more: they stand with their rotations, and come up here as these are mended.",
                    model.attention.size() - shown))}));
  }
  if (!model.may_create) blocks.push_back(context({plain("Whoever may edit has the buttons for this.")}));
  blocks.push_back(divider());
  return blocks;
}

Blocks system_blocks(const HomeModel& model) {
  Blocks blocks{header("Scheduling systems")};
  if (model.systems.empty()) {
    blocks.push_back(section(
        plain(model.may_connect ? "None is connected yet. Begin here: connect the system that says who "
                                  "is on call."
                                : "None is connected yet.")));
  }
  // Those in trouble first, each kind in the order of names.
  auto systems = model.systems;
  std::stable_sort(systems.begin(), systems.end(), [](const SystemLine& a, const SystemLine& b) {
    return (a.state != "ok") > (b.state != "ok");
  });
  const auto shown = std::min(systems.size(), kSystemsShown);
  for (std::size_t i = 0; i < shown; ++i) blocks.push_back(system_block(systems[i], model.may_connect));
  if (shown < systems.size()) {
    blocks.push_back(context({mrkdwn(fmt::format(
        "And {} more: `watchbill connection list` on the host shows all.", systems.size() - shown))}));
  }
  if (model.may_connect) {
    std::vector<Element> buttons;
    for (const auto& adapter : providers::adapters()) {
      const std::string kind(adapter.kind);
      buttons.push_back(button(
          {kConnectPrefix + kind, "Connect " + std::string(adapter.title), kind, Style::normal, {}, {}}));
    }
    blocks.push_back(actions(buttons, "connect"));
    if (!model.no_browser.empty()) blocks.push_back(context({mrkdwn(model.no_browser, kSystemUnits)}));
  }
  // Whoever may make rotations and not connect: credentials are not typed into forms here.
  if (!model.may_connect && model.may_create)
    blocks.push_back(context({mrkdwn("Systems are connected on the host: `watchbill connection add`.")}));
  blocks.push_back(divider());
  return blocks;
}

}  // namespace watchbill::slack_app
