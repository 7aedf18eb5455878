#include "core/announce/announcement.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/announce/announcement_words.hpp"

namespace watchbill {

namespace {

/// The lists of people have the same names within.
void add_person(TemplateVocabulary& all, std::string_view where) {
  using enum VariableKind;
  all.push_back({"person", markup, where, "the person, mentioned or by name as `mention` says"});
  all.push_back({"name", text, where, "the person's name, never a mention"});
  all.push_back({"mention", markup, where,
                 "a mention, whatever `mention` says; the name if there is no Slack account"});
  all.push_back({"schedule", text, where, "the label or name of the schedule; several are joined"});
  all.push_back(
      {"until", markup, where, "when this person goes off call; \"further notice\" if that is not known"});
}

TemplateVocabulary make_vocabulary() {
  using enum VariableKind;
  TemplateVocabulary all{
      {"rotation", text, "", "the rotation's name"},
      {"group", markup, "", "the Slack group by name, without notifying its members"},
      {"until", markup, "",
       "when the first of those on call goes off; \"further notice\" if that is not known"},
      {"at", markup, "", "when the change happened"},
      {"late", text, "", "how late the message is (\"14 min\"), if more than two minutes"},
      {"note", text, "", "what became of the group, if nobody is on call or nobody was found in Slack"},
      {"first", flag, "", "the rotation is new: these people are now on call, nobody handed off"},
      {"nobody", flag, "", "nobody is on call"},
      {"group_pending", flag, "", "the Slack group is still being updated"},
      {"possibly_repeated", flag, "", "an earlier attempt may have arrived already"},
      {"on_call", list, "", "everybody who is on call now"},
      {"incoming", list, "", "those who go on call"},
      {"outgoing", list, "", "those who go off call"},
      {"staying", list, "", "those who were on call and still are"},
      {"next", list, "", "those who come next, as far as that is known"},
  };
  for (const auto name : {"on_call", "incoming", "outgoing", "staying"}) add_person(all, name);
  all.push_back({"person", markup, "next", "the person, by name"});
  all.push_back({"name", text, "next", "the same"});
  all.push_back({"mention", markup, "next", "a mention; the name if there is no Slack account"});
  all.push_back({"from", markup, "next", "when this person goes on call"});
  return all;
}

}  // namespace

AnnouncementText render(const AnnouncementFacts& facts, const Announce& announce,
                        const AnnouncementContext& context) {
  const AnnouncementWords words(facts, announce.mention, context);
  std::string text;
  std::string remarks;
  if (announce.text_template) {
    const auto own = Template::compile(*announce.text_template, announcement_vocabulary());
    if (own) {
      text = own->render(words.data(), kMaxAnnouncement);
      remarks = words.remarks([&](std::string_view name) { return own->uses(name); });
    }
  }
  if (text.empty()) {  // no template, or one that says nothing in this case
    text = words.default_text();
    remarks = words.remarks([](std::string_view name) { return name == "note"; });
  }
  return {cut_mrkdwn(text, kMaxAnnouncement - utf8_length(remarks)) + remarks};
}

const TemplateVocabulary& announcement_vocabulary() {
  static const TemplateVocabulary vocabulary = make_vocabulary();
  return vocabulary;
}

Result<void> check_announcement_template(std::string_view text) {
  if (auto compiled = Template::compile(text, announcement_vocabulary()); !compiled) return compiled.error();
  return {};
}

bool notifies_everyone(std::string_view text) {
  const auto compiled = Template::compile(text, announcement_vocabulary());
  return compiled && compiled->notifies_everyone();
}

std::string slack_date(Instant t) {
  // Years that a calendar has: anything else is a system's way to say "always" or "never".
  constexpr Instant first{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
  constexpr Instant last{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31}};
  t = std::clamp(t, first, last);
  return fmt::format("<!date^{}^{{date_short_pretty}} at {{time}}|{}>",
                     std::chrono::floor<seconds>(t.time_since_epoch()).count(), format_minutes(t));
}

std::string slack_mention(const UserId& user) {
  const bool plain = std::all_of(user.value.begin(), user.value.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
  return plain && !user.empty() ? fmt::format("<@{}>", user.value) : "";
}

}  // namespace watchbill
