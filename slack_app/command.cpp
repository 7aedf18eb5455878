#include "slack_app/command.hpp"

#include <algorithm>

#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kCandidates = 10;
constexpr std::size_t kLongestQuestion = 200;
/// A source that answered within this many intervals is as good as now.
constexpr int kSilentAfter = 3;
constexpr std::string_view kSubteam = "<!subteam^";
constexpr std::string_view kNoRotations =
    "There are no rotations yet. The app's home tab is where they are made.";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// "payments", "\"payments\"", "<!subteam^S1|@payments>", "@payments"
void read_name(std::string_view text, CommandQuestion& question) {
  text = trim(text);
  if (text.size() > 1 && (text.front() == '"' || text.front() == '`') && text.back() == text.front())
    text = trim(text.substr(1, text.size() - 2));
  if (text.starts_with(kSubteam) && text.ends_with('>')) {
    text.remove_prefix(kSubteam.size());
    text.remove_suffix(1);
    const auto bar = text.find('|');
    question.group = GroupId(std::string(text.substr(0, bar)));
    question.name = bar == std::string_view::npos ? "" : std::string(text.substr(bar + 1));
    return;
  }
  question.name = std::string(utf8_prefix(text, kLongestQuestion));
}

/// True if `words` stand in `text` with no letter or digit beside them; both are folded.
bool has_words(const std::string& text, const std::string& words) {
  const auto in_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
  };
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
    const auto end = at + words.size();
    if ((at == 0 || !in_word(text[at - 1])) && (end == text.size() || !in_word(text[end]))) return true;
  }
  return false;
}

const store::ConnectionStatus* status_of(const control::Overview& overview, const std::string& connection) {
  for (const auto& view : overview.connections) {
    if (view.name == connection) return &view.status;
  }
  return nullptr;
}

/// "pd has not answered since …"; empty while every source answers.
std::string age_of(const control::Overview& overview, const control::RotationView& view, Instant now) {
  if (overview.store_problem)
    return fmt::format("\n_{}_", foreign_text(as_sentence(*overview.store_problem)));
  std::string text;
  std::vector<std::string> told;
  for (const auto& schedule : view.rotation.schedules) {
    const auto& name = schedule.ref.connection;
    if (std::find(told.begin(), told.end(), name) != told.end()) continue;
    told.push_back(name);
    const auto* status = status_of(overview, name);
    if (!status) continue;
    const auto patience = std::max<milliseconds>(kSilentAfter * status->interval, 60s);
    const bool fresh =
        status->state == "ok" && status->last_success && now - *status->last_success <= patience;
    if (fresh) continue;
    text += status->last_success
                ? fmt::format("\n_{} does not answer: this is as of {}, {}_", slack_name(name),
                              slack_date(*status->last_success), ago(now - *status->last_success))
                : fmt::format("\n_{} has not answered yet_", slack_name(name));
  }
  return text;
}

std::string head_of(const control::RotationView& view) {
  return fmt::format("*{}* ({})", slack_name(view.rotation.name, 80), code_text(view.rotation.handle, 40));
}

std::string line_of(const control::Overview& overview, const control::RotationView& view, Instant now) {
  auto text = head_of(view) + ": " + who_text(view.on_call, view.unknown, Naming::mention, 5);
  if (view.rotation.paused) text += "  _(paused)_";
  if (control::group_differs(view)) text += "\nIn the group: " + members_text(view.members, view.disabled, 5);
  return text + age_of(overview, view, now);
}

/// Who is on call, without the rest.
std::string short_line_of(const control::Overview& overview, const control::RotationView& view, Instant now) {
  std::vector<std::string> names;
  for (const auto& person : view.on_call) {
    auto name = person_text(person, Naming::mention) + (person.last_known ? " (last known)" : "");
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  const auto nobody = view.unknown.empty() ? "nobody" : "not known";
  const bool old = !age_of(overview, view, now).empty();
  return fmt::format("*{}*: {}{}", slack_name(view.rotation.name, 80),
                     names.empty() ? nobody : phrase(names, 5), old ? " _(not of now)_" : "");
}

std::string cut_lines(const std::vector<std::string>& lines, const std::string& head,
                      std::string_view where = ": the app's home tab lists all") {
  std::string text = head;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto rest = lines.size() - i;
    const auto pointer = fmt::format("\n_\xE2\x80\xA6 and {} more{}._", rest, where);
    if (utf8_length(text) + utf8_length(lines[i]) + utf8_length(pointer) + 1 > kMaxAnswer)
      return text + pointer;
    text += (text.empty() ? "" : "\n") + lines[i];
  }
  return text;
}

std::string which_one(const std::vector<const control::RotationView*>& candidates,
                      const CommandQuestion& question, const CommandAsker& asker) {
  std::vector<std::string> names;
  names.reserve(candidates.size());
  for (const auto* view : candidates) names.push_back("*" + slack_name(view->rotation.name, 80) + "*");
  const auto word = question.kind == CommandQuestion::Kind::next      ? "next "
                    : question.kind == CommandQuestion::Kind::history ? "history "
                                                                      : "";
  const auto all = names.size() == 2 ? names.front() + " or " + names.back() : phrase(names, kCandidates);
  return fmt::format("\"{}\" may be {}. Which one? For example `{} {}{}`", slack_name(question.name, 80), all,
                     slack_name(asker.command), word, slack_name(candidates.front()->rotation.name, 80));
}

std::string none_found(const control::Overview& overview, const CommandQuestion& question,
                       const CommandAsker& asker) {
  const auto name = question.name.empty() ? question.group.value : question.name;
  std::vector<std::string> folded;
  folded.reserve(overview.rotations.size());
  for (const auto& view : overview.rotations) folded.push_back(fold_name(view.rotation.name));
  const std::vector<std::string_view> known(folded.begin(), folded.end());
  const auto near = closest(fold_name(name), known);
  auto text = fmt::format("No rotation is called \"{}\".", slack_name(name, 80));
  for (std::size_t i = 0; i < known.size() && !near.empty(); ++i) {
    if (known[i] != near) continue;
    return text + fmt::format(" Did you mean *{}*?", slack_name(overview.rotations[i].rotation.name, 80));
  }
  return text +
         fmt::format(" `{0}` lists those that you follow, and `{0} all` all.", slack_name(asker.command));
}

/// The one rotation that is meant, or the words that ask which.
struct Found {
  const control::RotationView* view = nullptr;
  std::string words{};
};
Found find_one(const control::Overview& overview, const CommandQuestion& question,
               const CommandAsker& asker) {
  const auto candidates = meant(overview, question);
  if (candidates.size() == 1) return {candidates.front()};
  return {nullptr, candidates.empty() ? none_found(overview, question, asker)
                                      : which_one(candidates, question, asker)};
}

}  // namespace

CommandQuestion read_command(std::string_view text) {
  text = trim(text);
  CommandQuestion question;
  if (text.empty()) return question;
  const auto space = text.find_first_of(" \t");
  const auto word = fold_name(text.substr(0, space));
  const bool alone = space == std::string_view::npos;
  if (alone && (word == "help" || word == "?")) {
    question.kind = CommandQuestion::Kind::help;
  } else if (alone && word == "me") {
    question.kind = CommandQuestion::Kind::me;
  } else if (alone && word == "all") {
    question.kind = CommandQuestion::Kind::all;
  } else if (word == "next" || word == "history") {
    question.kind = word == "next" ? CommandQuestion::Kind::next : CommandQuestion::Kind::history;
    if (!alone) read_name(text.substr(space), question);
  } else {
    question.kind = CommandQuestion::Kind::who;
    read_name(text, question);
  }
  return question;
}

bool follows(const control::RotationView& view, const UserId& user) {
  const auto& r = view.rotation;
  const auto has = [&](const std::vector<UserId>& list) {
    return std::find(list.begin(), list.end(), user) != list.end();
  };
  return has(view.members) || has(r.permanent_members) || has(r.fallback_members) ||
         std::find(r.owners.begin(), r.owners.end(), user.value) != r.owners.end() ||
         std::any_of(view.on_call.begin(), view.on_call.end(),
                     [&](const auto& p) { return p.member == user; }) ||
         std::any_of(view.next.begin(), view.next.end(), [&](const auto& p) { return p.member == user; });
}

std::vector<const control::RotationView*> meant(const control::Overview& overview,
                                                const CommandQuestion& question) {
  auto wanted = fold_name(question.name);
  const bool handle_only = wanted.starts_with('@');
  if (handle_only) wanted.erase(0, 1);
  const auto rank = [&](const control::RotationView& view) {
    const auto name = fold_name(view.rotation.name);
    const auto handle = fold_name(view.rotation.handle);
    if (!question.group.empty()) return view.rotation.group == question.group ? 0 : 9;
    if (handle == wanted || (!handle_only && name == wanted)) return 0;
    if (wanted.empty()) return 9;
    const auto any = [&](const auto& fits) { return fits(handle) || (!handle_only && fits(name)); };
    if (any([&](const std::string& text) { return has_words(text, wanted); })) return 1;
    if (any([&](const std::string& text) { return text.starts_with(wanted); })) return 2;
    const bool within = any([&](const std::string& text) { return text.find(wanted) != std::string::npos; });
    return within ? 3 : 9;
  };
  int best = 8;
  std::vector<const control::RotationView*> found;
  for (const auto& view : overview.rotations) {
    const auto fit = rank(view);
    if (fit < best) found.clear();
    best = std::min(best, fit);
    if (fit == best) found.push_back(&view);
  }
  return found;
}

std::string answer_all(const control::Overview& overview, Instant now) {
  if (overview.rotations.empty()) return std::string(kNoRotations);
  std::vector<std::string> lines;
  std::vector<std::string> short_lines;
  std::size_t length = 0;
  for (const auto& view : overview.rotations) {
    lines.push_back(line_of(overview, view, now));
    length += utf8_length(lines.back()) + 1;
    short_lines.push_back(short_line_of(overview, view, now));
  }
  const std::string head = "On call in all rotations:";
  return cut_lines(utf8_length(head) + length <= kMaxAnswer ? lines : short_lines, head);
}

std::string answer_here(const control::Overview& overview, const CommandAsker& asker, Instant now) {
  if (overview.rotations.empty()) return std::string(kNoRotations);
  const auto select = [&](const auto& wanted) {
    std::vector<std::string> lines;
    for (const auto& view : overview.rotations) {
      if (wanted(view)) lines.push_back(line_of(overview, view, now));
    }
    return lines;
  };
  auto lines = select([&](const control::RotationView& view) {
    const auto& channels = view.rotation.channels;
    return std::find(channels.begin(), channels.end(), asker.channel) != channels.end();
  });
  if (!lines.empty()) return cut_lines(lines, "On call, as announced in this channel:");
  lines = select([&](const control::RotationView& view) { return follows(view, asker.user); });
  if (!lines.empty()) return cut_lines(lines, "On call in the rotations that you follow:");
  return answer_all(overview, now);
}

std::string answer_who(const control::Overview& overview, const CommandQuestion& question,
                       const CommandAsker& asker, Instant now) {
  const auto found = find_one(overview, question, asker);
  if (!found.view) return found.words;
  auto text = line_of(overview, *found.view, now);
  const auto next = next_text(found.view->next, Naming::mention);
  if (!next.empty()) text += "\nNext: " + next;
  return cut_mrkdwn(text, kMaxAnswer);
}

std::string answer_next(const control::Overview& overview, const CommandQuestion& question,
                        const CommandAsker& asker, Instant now) {
  if (question.name.empty() && question.group.empty())
    return fmt::format("Whose next? For example `{} next NAME`", slack_name(asker.command));
  const auto found = find_one(overview, question, asker);
  if (!found.view) return found.words;
  const auto next = next_text(found.view->next, Naming::mention);
  return cut_mrkdwn(
      fmt::format("{}: {}{}", head_of(*found.view),
                  next.empty() ? "who is next is not known: the schedule ends, or it was not told yet"
                               : "next " + next,
                  age_of(overview, *found.view, now)),
      kMaxAnswer);
}

std::optional<std::string> history_wanted(const control::Overview& overview,
                                          const CommandQuestion& question) {
  if (question.name.empty() && question.group.empty()) return std::nullopt;
  const auto candidates = meant(overview, question);
  if (candidates.size() > 1) return std::nullopt;
  return candidates.empty() ? question.name : candidates.front()->rotation.name;
}

std::string answer_history(const control::Overview& overview, const CommandQuestion& question,
                           const CommandAsker& asker, const std::optional<Result<HistoryModel>>& asked) {
  if (question.name.empty() && question.group.empty())
    return fmt::format("Whose history? For example `{} history NAME`", slack_name(asker.command));
  const auto candidates = meant(overview, question);
  if (candidates.size() > 1) return which_one(candidates, question, asker);
  const auto& history = *asked;
  if (!history && history.error().kind == ErrorKind::not_found) return none_found(overview, question, asker);
  if (!history) return "The answer could not be read: " + foreign_text(as_sentence(history.error().message));
  std::vector<std::string> lines;
  for (const auto& line : history->lines) lines.push_back(history_text(line));
  auto head = fmt::format("*{}*, the latest first:", slack_name(history->rotation, 80));
  if (lines.empty()) return head + "\nNothing has happened yet.";
  if (history->more) lines.emplace_back("_Older changes: `watchbill history` on the host._");
  return cut_lines(lines, head, "");
}

std::string answer_me(const std::vector<control::DutyShift>& shifts, Instant now) {
  if (shifts.empty()) {
    return fmt::format(
        "You are on call in no rotation, as far as the schedules reach. If that is wrong, your e-mail "
        "address in the scheduling system may differ from that in Slack: whoever edits rotations can say on "
        "the "
        "app's home tab who you are.");
  }
  std::vector<std::string> lines;
  for (const auto& shift : shifts) {
    const bool now_on = shift.start <= now;
    lines.push_back(shift_text(shift.rotation, shift.schedule,
                               now_on ? std::nullopt : std::optional(shift.start), shift.end));
  }
  return cut_lines(lines, "Your shifts:", "");
}

std::string answer_help(const CommandAsker& asker) {
  const auto command = slack_name(asker.command);
  return fmt::format(
      "`{0}`  who is on call in what is announced in this channel, else in what you follow\n"
      "`{0} NAME` or `{0} @group`  who is on call in one rotation, and who is next\n"
      "`{0} all`  who is on call everywhere\n"
      "`{0} next NAME`  who comes next\n"
      "`{0} history NAME`  what happened in a rotation: who came, who went, who changed what\n"
      "`{0} me`  your own shifts\n"
      "Answers come from what Watchbill knows, also while a scheduling system does not answer; then they say "
      "how old "
      "they are. Rotations are made and changed in the app's home tab.",
      command);
}

}  // namespace watchbill::slack_app
