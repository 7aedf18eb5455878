#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "core/announce/outbox.hpp"
#include "core/announce/template.hpp"
#include "core/oncall/rotation.hpp"

/// The words of an announcement. Pure: the same facts give the same text.
namespace watchbill {

/// What is known only when the text is made.
struct AnnouncementContext {
  Instant now;
  /// The group does not have its new members yet: the text says so.
  bool group_pending = false;
  /// An earlier attempt may be in the channel already: the text says so.
  bool possibly_repeated = false;
  /// Says from which schedule people come even when it is one only: the rotation has several schedules, or a
  /// label.
  bool name_schedules = false;
};

struct AnnouncementText {
  std::string text;      ///< mrkdwn, also the notification; never empty, at most 3,500 characters
  std::string blocks{};  ///< JSON array; empty: the text alone is the message
  bool operator==(const AnnouncementText&) const = default;
};

/// Slack asks for less than 4,000 characters (docs.slack.dev/reference/methods/chat.postMessage); the rest is
/// room for what it adds itself.
inline constexpr std::size_t kMaxAnnouncement = 3500;

/// Puts the facts into words: the rotation's template, or the default text (also if the template, saved by
/// another version, cannot be read any more). A template that leaves out that the message is late, repeated,
/// or ahead of the group, or what became of an empty group, gets that as a last line; so does every text that
/// stands for several handoffs, with who was on call in between.
AnnouncementText render(const AnnouncementFacts& facts, const Announce& announce,
                        const AnnouncementContext& context);

/// The names that an announcement's template may use; docs/templates.md explains the same.
const TemplateVocabulary& announcement_vocabulary();
/// Checks a template as it will be used. The error has line and column.
Result<void> check_announcement_template(std::string_view text);
/// True if a correct template notifies everybody of the channel (`Template::notifies_everyone`).
bool notifies_everyone(std::string_view text);

/// A moment that every reader sees in his own time zone, in UTC where that is not possible.
std::string slack_date(Instant t);
/// "<@U1>", or an empty text if the id is none that Slack could have given.
std::string slack_mention(const UserId& user);

}  // namespace watchbill
