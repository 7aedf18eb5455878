#include "slack_app/screen_context.hpp"

#include <spdlog/spdlog.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "control/overview.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/phrases.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kErrorCharacters = 1500;

}  // namespace

void note_failure(const char* what, const Error& error) {
  const bool gone = error.kind == ErrorKind::not_found || error.kind == ErrorKind::conflict;
  if (!gone) spdlog::warn("Slack app: {}: {}", what, error.message);
}

ScreenContext::ScreenContext(control::Context& context, control::Choices& choices, slack::Views& views)
    : context_(context), choices_(choices), views_(views), tasks_([](const std::exception_ptr& broken) {
        try {
          std::rethrow_exception(broken);
        } catch (const std::exception& error) {
          spdlog::error("Slack app: {}: this is a mistake in Watchbill; please report it", error.what());
        }
      }) {}

net::Task<std::string> ScreenContext::name_of(UserId user) {
  if (auto name = choices_.name_of(user); name && !name->empty()) co_return *std::move(name);
  const auto known = co_await context_.store.run(control::known_names);
  co_return control::name_or_id(known, user);
}

net::Task<void> ScreenContext::open(std::string trigger, std::string title, net::Task<std::string> view) {
  auto later = std::make_unique<DeferredAnswer<std::string>>(loop(), std::move(view));
  const bool ready = co_await later->ready_within(kOpenWithin);
  std::string first;
  if (ready) {
    first = co_await later->result();
  } else {
    first = loading_modal(title);
  }
  auto permit = co_await context_.limiter.acquire(slack::Method::views_open, slack::Priority::edit);
  auto opened = co_await views_.open_view(std::move(permit), std::move(trigger), std::move(first));
  if (!opened) {
    note_failure("opening a view", opened.error());
    co_return;
  }
  if (!ready) co_await finish_opening(opened->id, std::move(later));
}

net::Task<void> ScreenContext::finish_opening(std::string view_id,
                                              std::unique_ptr<DeferredAnswer<std::string>> view) {
  auto whole = co_await view->result();
  co_await update(std::move(view_id), std::move(whole), {});
}

net::Task<std::string> ScreenContext::update(std::string view_id, std::string view, std::string hash) {
  auto permit = co_await context_.limiter.acquire(slack::Method::views_update, slack::Priority::edit);
  auto updated =
      co_await views_.update_view(std::move(permit), std::move(view_id), std::move(view), std::move(hash));
  if (updated) co_return updated->hash;
  note_failure("updating a view", updated.error());
  co_return std::string();
}

net::Task<Result<control::Caller>> who_is(ScreenContext& screen, UserId user) {
  auto caller = co_await screen.choices().caller(std::move(user));
  if (caller) co_return caller;
  Error error = caller.error();
  error.message = "Slack does not say who you are at the moment, so nothing was done: " + error.message;
  co_return error;
}

std::string answer_errors(const std::vector<std::pair<std::string, std::string>>& errors) {
  json::Writer w;
  w.begin_object().field("response_action", "errors").key("errors").begin_object();
  for (const auto& [block, text] : errors) w.field(block, fit(as_sentence(text), kErrorCharacters));
  w.end_object().end_object();
  return w.take();
}

std::string answer_update(const std::string& view) {
  json::Writer w;
  w.begin_object().field("response_action", "update").key("view").raw(view).end_object();
  return w.take();
}

std::string answer_clear() {
  return R"({"response_action":"clear"})";
}

std::string error_text(const Error& error) {
  return foreign_text(as_sentence(error.message));
}

}  // namespace watchbill::slack_app
