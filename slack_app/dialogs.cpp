#include "slack_app/dialogs.hpp"

#include "base/json.hpp"
#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/rotation_form.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kPeopleNamed = 30;
constexpr std::size_t kReasonCharacters = 600;
constexpr std::size_t kTextUnits = 2900;

std::string one_field(const char* name, const std::string& value) {
  json::Writer w;
  w.begin_object().field(name, value).end_object();
  return w.take();
}

std::string people_or(const std::vector<std::string>& people, std::string_view none) {
  return people.empty() ? std::string(none) : phrase(people, kPeopleNamed);
}

}  // namespace

std::string loading_modal(const std::string& title) {
  return modal_view({.callback = "loading", .title = title, .close = "Close"},
                    {section(plain("\xE2\x8F\xB3 One moment\xE2\x80\xA6"))});
}

std::string notice_modal(const std::string& title, const std::string& mrkdwn_text) {
  return modal_view({.callback = "notice", .title = title, .close = "Close"},
                    {section(mrkdwn(mrkdwn_text, kTextUnits))});
}

std::string adoption_modal(const AdoptionModel& model) {
  Blocks blocks{section(mrkdwn(fmt::format(
      "{} has other members than who is on call. Watchbill would keep it equal to who is on call in "
      "*{}* {}.{}",
      model.group, slack_name(model.rotation, 80),
      model.when_resumed ? "once the rotation is resumed" : "from now on",
      model.first ? " Who is in it today is remembered and can be put back." : "")))};
  blocks.push_back(section(mrkdwn("*Goes:* " + people_or(model.goes, "nobody"), kTextUnits)));
  blocks.push_back(
      section(mrkdwn("*Comes:* " + (model.unsure.empty() ? people_or(model.comes, "nobody")
                                                         : slack_name(model.unsure, kReasonCharacters)),
                     kTextUnits)));
  if (!model.last_edited.empty()) blocks.push_back(context({mrkdwn("Last edited by " + model.last_edited)}));
  if (!model.channels.empty()) {
    blocks.push_back(context({mrkdwn("Slack adds members of this group to " + phrase(model.channels))}));
  }
  const auto title = model.first ? "Take over this group?" : "May they go?";
  const auto yes = model.first ? "Yes, take it over" : "Yes, they may go";
  if (model.resumes) {
    json::Writer metadata;
    metadata.begin_object().field("rotation", model.resumes->value);
    metadata.field("version", model.version).end_object();
    return modal_view({.callback = kResume, .title = title, .submit = yes, .metadata = metadata.take()},
                      blocks);
  }
  blocks.push_back(
      actions({button({kFormBack, "Back to the form", model.draft, Style::normal, {}, {}})}, "back"));
  return modal_view(
      {.callback = kAdoption, .title = title, .submit = yes, .metadata = one_field("draft", model.draft)},
      blocks);
}

std::string delete_modal(const DeleteModel& model) {
  Blocks blocks{
      section(mrkdwn(fmt::format("Delete the rotation *{}*? Its history stays; {} is not kept any more.",
                                 slack_name(model.name, 80), model.group)))};
  json::Writer metadata;
  metadata.begin_object().field("rotation", model.id.value).end_object();
  if (model.former) {
    const bool empty = model.former->empty();
    const auto when = model.former_at ? " (" + slack_date(*model.former_at) + ")" : std::string();
    blocks.push_back(section(mrkdwn(
        fmt::format("Before it was taken over{}, {} in the group{}.", when,
                    empty ? "nobody was"
                          : people_or(*model.former, "") + (model.former->size() > 1 ? " were" : " was"),
                    model.former_disabled && !empty ? ", and it was disabled" : ""),
        kTextUnits)));
    const auto* back = empty                   ? "Disable the group: Slack has no empty ones"
                       : model.former_disabled ? "Put its former members back, and disable it"
                                               : "Put its former members back";
    const auto keep = option("Leave the group as it is now", "keep");
    blocks.push_back(input(kFieldRestore, radio_buttons(kTyped, {keep, option(back, "restore")}, keep),
                           {.label = "The group"}));
  } else {
    blocks.push_back(context({plain("The group keeps the members that it has.")}));
  }
  return modal_view({.callback = kDelete,
                     .title = "Delete this rotation?",
                     .submit = "Delete",
                     .metadata = metadata.take()},
                    blocks);
}

std::string disconnect_modal(const DisconnectModel& model) {
  const auto name = fmt::format("*{}* ({})", slack_name(model.name, 63), model.title);
  if (!model.rotations.empty()) {
    std::vector<std::string> names;
    for (const auto& rotation : model.rotations) names.push_back("*" + slack_name(rotation, 80) + "*");
    return notice_modal(
        "Disconnect", fmt::format("{} cannot be disconnected while rotations use it: {}. Edit or delete them "
                                  "first.",
                                  name, phrase(names, 20)));
  }
  return modal_view({.callback = kDisconnect,
                     .title = "Disconnect?",
                     .submit = "Disconnect",
                     .metadata = one_field("connection", model.name)},
                    {section(mrkdwn(fmt::format(
                        "Disconnect {}? Its credentials are deleted here. No rotation uses it.", name)))});
}

std::string person_modal(const PersonModel& model) {
  auto text =
      fmt::format("*{}*{} is on call in {} and cannot be put into a group: {}.", slack_name(model.name),
                  model.email.empty() ? "" : fmt::format(" ({})", slack_name(model.email)),
                  slack_name(model.system, 63), slack_name(model.why, kReasonCharacters));
  Blocks blocks;
  if (!model.error.empty()) blocks.push_back(section(mrkdwn("\xE2\x9A\xA0\xEF\xB8\x8F " + model.error)));
  blocks.push_back(section(mrkdwn(text)));
  std::vector<std::string> mentions;
  for (const auto& user : model.namesakes) mentions.push_back(slack_mention(user));
  if (!mentions.empty()) {
    blocks.push_back(section(mrkdwn(fmt::format("Of that name there {} in Slack: {}.",
                                                mentions.size() == 1 ? "is" : "are", phrase(mentions, 8)))));
  }
  const auto proposed =
      model.namesakes.size() == 1 ? std::optional(model.namesakes.front().value) : std::nullopt;
  blocks.push_back(input(kFieldPerson,
                         users_select({.action = kTyped, .placeholder = "Choose the person"}, proposed),
                         {.label = "Who is this in Slack?",
                          .hint = "From now on this person is meant whenever the scheduling system names the "
                                  "other."}));
  return modal_view({.callback = kPerson,
                     .title = "Fix a person",
                     .submit = "Save",
                     .metadata = one_field("person", model.person)},
                    blocks);
}

std::string person_saved_modal(const std::string& person, const std::string& name, const std::string& user) {
  return modal_view(
      {.callback = "notice", .title = "Saved", .close = "Close"},
      {section(mrkdwn(fmt::format("*{}* is {} in Slack from now on, whoever names them.", name, user),
                      kTextUnits)),
       actions({button({kPersonBack, "That was wrong: take it back", person, Style::normal, {}, {}})},
               "back")});
}

std::string history_modal(const HistoryModel& model) {
  Blocks blocks{section(mrkdwn("*" + slack_name(model.rotation, 80) + "*"))};
  if (model.lines.empty()) blocks.push_back(section(plain("Nothing has happened yet.")));
  for (const auto& line : model.lines) blocks.push_back(section(mrkdwn(history_text(line), 2000)));
  if (model.more) blocks.push_back(context({mrkdwn("Older changes: `watchbill history` on the host.")}));
  return modal_view({.callback = "history", .title = "History", .close = "Close"}, blocks);
}

}  // namespace watchbill::slack_app
