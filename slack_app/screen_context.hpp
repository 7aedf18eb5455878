#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/choices.hpp"
#include "control/context.hpp"
#include "slack/api/api.hpp"
#include "slack_app/deferred_answer.hpp"

namespace watchbill::slack_app {

/// How long an answer to Slack waits for what is asked elsewhere; Slack itself waits 3 s.
inline constexpr milliseconds kAnswerWithin{900};
/// What is ready by then is opened as it is; else a loading view comes first. A trigger lives for 3 s.
inline constexpr milliseconds kOpenWithin{700};
/// The groups that a change is checked against are at most so old: who is asked whether members may go hears
/// what is so now, not what was before somebody joined, or before our own last write.
inline constexpr milliseconds kGroupsAge{1000};
/// Who is asked whether members may go hears what is so now: not what was before somebody joined, or before
/// our own last write.
inline constexpr milliseconds kFreshGroups{1000};

/// What all screens work with: the rules, what there is to choose from, and the way to show something.
class ScreenContext {
 public:
  ScreenContext(control::Context& context, control::Choices& choices, slack::Views& views);

  control::Context& context() { return context_; }
  control::Choices& choices() { return choices_; }
  slack::Views& views() { return views_; }
  net::Loop& loop() { return context_.loop; }

  /// Runs on its own, until it ends or the app does.
  void spawn(net::Task<void> task) { tasks_.spawn(std::move(task)); }
  /// Opens the modal that `view` makes: at once if it is ready soon, else with a loading view titled `title`
  /// that is replaced when it is.
  net::Task<void> open(std::string trigger, std::string title, net::Task<std::string> view);
  /// Replaces a modal. `hash`: only if it is still that one; empty: whatever is there. Returns the new hash,
  /// empty if it was not replaced (closed meanwhile, changed meanwhile, or Slack failed).
  net::Task<std::string> update(std::string view_id, std::string view, std::string hash);

  /// What somebody is called, who did something just now; the id if nothing knows his name.
  net::Task<std::string> name_of(UserId user);

  /// What the app is called in Slack.
  std::string bot_name = "watchbill";
  /// Called after something was changed that the engine acts on and the home tab shows.
  std::function<void()> on_change;
  void changed() {
    if (on_change) on_change();
  }

 private:
  net::Task<void> finish_opening(std::string view_id, std::unique_ptr<DeferredAnswer<std::string>> view);

  control::Context& context_;
  control::Choices& choices_;
  slack::Views& views_;
  net::TaskScope tasks_;
};

/// Logs what a call about a view failed of; that somebody closed the view, or was faster, is no failure.
void note_failure(const char* what, const Error& error);

/// Somebody's rights, or why they are not known: a sentence for him (mrkdwn).
net::Task<Result<control::Caller>> who_is(ScreenContext& screen, UserId user);

// Answers to a submission.
/// Texts stand at their blocks, as plain text.
std::string answer_errors(const std::vector<std::pair<std::string, std::string>>& errors);
std::string answer_update(const std::string& view);
/// Closes everything.
std::string answer_clear();

/// An error's message as mrkdwn.
std::string error_text(const Error& error);

}  // namespace watchbill::slack_app
