#include <algorithm>

#include "base/enum_names.hpp"
#include "base/text.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/form_merge.hpp"
#include "slack_app/rotations/rotation_form.hpp"

namespace watchbill::slack_app {

namespace {

// A name has at most 80 characters, of which Slack may count each as two; the rule itself tells of longer
// ones.
constexpr std::size_t kMaxName = 160;
// One more than a handle may have, so that the rule can say so.
/// No page of Slack's says how long a handle may be: it says so when it is made (`bad_handle`).
constexpr std::size_t kMaxHandle = 80;
constexpr NameTable<Empty, 3> kEmptyWords{{{Empty::keep, "Keep the last people"},
                                           {Empty::fallback, "Put others in the group"},
                                           {Empty::disable, "Disable the group"}}};
constexpr NameTable<Mention, 3> kMentionWords{{{Mention::incoming, "Mention those who go on call"},
                                               {Mention::all, "Mention everybody who is named"},
                                               {Mention::none, "Mention nobody"}}};

/// Builds the form's blocks one after the other, each error in front of its field.
class FormBuilder {
 public:
  explicit FormBuilder(const RotationFormModel& model) : model_(model), form_(model.form) {}

  Blocks build() {
    errors_of("");
    name();
    group();
    schedules();
    channels();
    if (model_.state.more) {
      people();
      announcement();
    } else {
      blocks_.push_back(
          section(mrkdwn("*More*: permanent members, nobody on call, announcements and their text"),
                  button({kFormMore, "Show more", {}, Style::normal, {}, {}}), "more"));
    }
    return std::move(blocks_);
  }

 private:
  void errors_of(const std::string& field) {
    for (const auto& [where, text] : model_.errors) {
      if (where == field) blocks_.push_back(section(mrkdwn("\xE2\x9A\xA0\xEF\xB8\x8F " + text)));
    }
  }

  void add(const char* field, const Element& element, const InputLook& look) {
    errors_of(field);
    blocks_.push_back(input(field_id(field, model_.state.round), element, look));
  }

  void name() {
    add(kFieldName,
        text_input(
            {.action = kTyped, .initial = form_.name, .placeholder = "Payments", .max_length = kMaxName}),
        {.label = std::string(label_of(kFieldName))});
  }

  void group() {
    if (!model_.state.choose_group) {
      const auto handle = form_.group ? form_.group->handle : std::string();
      blocks_.push_back(section(mrkdwn(fmt::format(
          "*User group*\n{}: only an editor may give a rotation another group", code_text("@" + handle)))));
      return;
    }
    std::optional<Option> initial;
    if (form_.group) initial = group_option(*form_.group);
    add(kFieldGroup,
        external_select({.action = kTyped, .placeholder = "Find a group, or name a new one"}, initial),
        {.label = std::string(label_of(kFieldGroup)),
         .hint = "Its members will be the people on call. To make a new group, type its handle.",
         .dispatch = true});
    if (!form_.group || !form_.group->create) return;
    add(kFieldHandle,
        text_input({.action = kTyped,
                    .initial = form_.group->handle,
                    .placeholder = "payments-oncall",
                    .max_length = kMaxHandle}),
        {.label = "Handle of the new group",
         .hint = "Lower case letters, digits, '-' and '_': what people type after '@'."});
  }

  void schedules() {
    std::vector<Option> chosen;
    for (const auto& schedule : form_.schedules) {
      if (auto one = schedule_option(schedule)) chosen.push_back(*std::move(one));
    }
    add(kFieldSchedules,
        multi_external_select({.action = kTyped, .placeholder = "Find schedules by name"}, chosen),
        {.label = std::string(label_of(kFieldSchedules)),
         .hint = "Of all connected systems. Who is on call in any of them is in the group."});
  }

  void channels() {
    add(kFieldChannels,
        multi_channels_select({.action = kTyped, .placeholder = "Choose channels"}, texts(form_.channels)),
        {.label = std::string(label_of(kFieldChannels)),
         .hint = fmt::format("Into a private channel the app must be invited first: /invite @{}",
                             model_.bot_name),
         .optional = true});
  }

  void people() {
    blocks_.push_back(divider());
    add(kFieldMembers,
        multi_users_select({.action = kTyped, .placeholder = "Choose people"},
                           texts(form_.permanent_members)),
        {.label = std::string(label_of(kFieldMembers)),
         .hint = "Besides who is on call; they do not count as on call.",
         .optional = true});
    const auto policy = [](Empty choice, std::string_view more) {
      return option(words_of(choice), std::string(name_of(choice)), more);
    };
    const std::vector<Option> policies{policy(Empty::keep, "until somebody is on call again"),
                                       policy(Empty::fallback, "those chosen below"),
                                       policy(Empty::disable, "until somebody is on call again")};
    add(kFieldEmpty, radio_buttons(kTyped, policies, policies.at(static_cast<std::size_t>(form_.empty))),
        {.label = std::string(label_of(kFieldEmpty))});
    add(kFieldFallback,
        multi_users_select({.action = kTyped, .placeholder = "Choose people"}, texts(form_.fallback_members)),
        {.label = std::string(label_of(kFieldFallback)),
         .hint = "Also used if nobody who is on call can be found in Slack.",
         .optional = true});
  }

  void announcement() {
    blocks_.push_back(divider());
    const auto on = option("Announce handoffs in the channels above", "on");
    add(kFieldAnnounce,
        checkboxes(kTyped, {on}, form_.announce ? std::vector<Option>{on} : std::vector<Option>{}),
        {.label = std::string(label_of(kFieldAnnounce)), .optional = true});
    std::vector<Option> mentions;
    for (const auto choice : {Mention::incoming, Mention::all, Mention::none})
      mentions.push_back(option(words_of(choice), std::string(name_of(choice))));
    add(kFieldMention,
        static_select({.action = kTyped}, mentions, mentions.at(static_cast<std::size_t>(form_.mention))),
        {.label = std::string(label_of(kFieldMention)), .dispatch = true});
    if (model_.text_too_long) {
      blocks_.push_back(
          section(mrkdwn("*Own text*\nIt is longer than a form can hold and stays as it is; change it with "
                         "`watchbill rotation "
                         "edit` on the host.")));
    } else {
      add(kFieldText,
          text_input({.action = kTyped,
                      .initial = form_.own_text,
                      .placeholder = "{{incoming}} on call for {{rotation}} until {{until}}",
                      .multiline = true,
                      .events = TextEvents::on_each_character}),
          {.label = std::string(label_of(kFieldText)),
           .hint = "Leave it empty for the usual text. Variables stand in {{…}}.",
           .optional = true,
           .dispatch = true});
    }
    if (!model_.preview.empty())
      blocks_.push_back(section(mrkdwn("*Preview*\n" + model_.preview), "preview"));
  }

  const RotationFormModel& model_;
  const RotationForm& form_;
  Blocks blocks_;
};

}  // namespace

std::string_view words_of(Empty choice) {
  return name_in(kEmptyWords, choice);
}

std::string_view words_of(Mention choice) {
  return name_in(kMentionWords, choice);
}

std::string rotation_form_view(const RotationFormModel& model) {
  const bool create = !model.state.rotation;
  return modal_view({.callback = kRotationForm,
                     .title = create ? "New rotation" : "Edit rotation",
                     .submit = create ? "Create" : "Save",
                     .metadata = metadata_of(model.state)},
                    FormBuilder(model).build());
}

}  // namespace watchbill::slack_app
