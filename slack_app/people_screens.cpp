#include "slack_app/people_screens.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "control/people.hpp"
#include "core/announce/announcement.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/rotations/rotation_form.hpp"

namespace watchbill::slack_app {

namespace {

/// The one who still waits for somebody to say who he is; nothing if nobody does any more.
Result<std::optional<control::UnmatchedPerson>> waiting_person(store::Store& store,
                                                               const std::string& person) {
  auto people = control::unmatched_people(store);
  if (!people) return people.error();
  const auto found = std::find_if(people->begin(), people->end(), [&](const control::UnmatchedPerson& one) {
    return one.responder.connection + "/" + one.responder.id == person;
  });
  return found == people->end() ? std::nullopt : std::optional(*found);
}

/// Who that is by mapping; nobody if there is none.
std::optional<UserId> mapped_user(store::Store& store, const std::string& person) {
  auto mappings = store.people().mappings();
  if (!mappings) return std::nullopt;
  for (const auto& mapping : *mappings) {
    if (mapping.person == person) return mapping.user;
  }
  return std::nullopt;
}

/// Somebody else may have been faster, and have said that it is somebody else.
Result<void> refuse_other(store::Store& store, const std::string& person, const std::string& user) {
  auto waiting = waiting_person(store, person);
  if (!waiting) return waiting.error();
  const auto before = mapped_user(store, person);
  if (*waiting || !before || before->value == user) return {};
  return fail(ErrorKind::conflict,
              "Somebody was faster, and said that it is somebody else. Close this form: the home tab "
              "shows who is in the groups.");
}

}  // namespace

net::Task<void> PeopleScreens::open(UserId user, std::string trigger, std::string person) {
  co_await screen_.open(std::move(trigger), "Fix a person", view_of(std::move(user), std::move(person)));
}

net::Task<std::string> PeopleScreens::view_of(UserId user, std::string person) {
  const auto refuse = [](const Error& error) { return notice_modal("Fix a person", error_text(error)); };
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return refuse(caller.error());
  if (auto ok = control::allowed(context, *caller, Action::map_person, {}); !ok) co_return refuse(ok.error());
  const auto read = [person](store::Store& store) { return waiting_person(store, person); };
  auto found = co_await context.store.run(read);
  if (!found) co_return refuse(found.error());
  if (!*found)
    co_return notice_modal("Fix a person",
                           "Nothing is wrong with this person any more: somebody was faster.");
  const auto& responder = (*found)->responder;
  PersonModel model{person, responder.name, responder.email.value_or(""), responder.connection,
                    (*found)->why};
  model.namesakes = co_await control::namesakes(context, model.name);
  co_return person_modal(model);
}

net::Task<std::string> PeopleScreens::submit(Interaction interaction) {
  const auto document = json::parse(interaction.metadata);
  auto person = document ? document->root()["person"].string_or("") : std::string();
  auto chosen = interaction.values[kFieldPerson][kTyped]["selected_user"].string_or("");
  auto work = std::make_unique<DeferredAnswer<Outcome>>(
      screen_.loop(), map(interaction.user, std::move(person), std::move(chosen)));
  if (!co_await work->ready_within(kAnswerWithin)) {
    screen_.spawn(finish(interaction.view, std::move(work)));
    co_return answer_update(loading_modal("Fix a person"));
  }
  auto outcome = co_await work->result();
  if (outcome.wrong.empty()) co_return answer_update(outcome.saved);
  co_return answer_errors({{kFieldPerson, outcome.wrong}});
}

net::Task<void> PeopleScreens::finish(std::string view, std::unique_ptr<DeferredAnswer<Outcome>> work) {
  auto outcome = co_await work->result();
  auto told = outcome.wrong.empty()
                  ? outcome.saved
                  : notice_modal("Not saved", error_text({ErrorKind::invalid, outcome.wrong}));
  co_await screen_.update(std::move(view), std::move(told), {});
}

net::Task<PeopleScreens::Outcome> PeopleScreens::map(UserId user, std::string person,
                                                     std::string slack_user) {
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return Outcome{caller.error().message};
  if (auto ok = control::allowed(screen_.context(), *caller, Action::map_person, {}); !ok)
    co_return Outcome{ok.error().message};
  if (slack_user.empty()) co_return Outcome{"Choose the person."};
  const auto read = [person](store::Store& store) { return waiting_person(store, person); };
  auto waiting = co_await screen_.context().store.run(read);
  if (!waiting) co_return Outcome{waiting.error().message};
  control::MapOptions options;
  options.unless = [person, slack_user](store::Store& store) {
    return refuse_other(store, person, slack_user);
  };
  control::Workspace workspace(screen_.context());
  auto mapped = co_await control::map_person(workspace, *caller, person, slack_user, std::move(options));
  if (!mapped) co_return Outcome{mapped.error().message};
  screen_.changed();
  const auto name = *waiting ? slack_name((*waiting)->responder.name) : std::string("This person");
  co_return Outcome{"", person_saved_modal(person, name, slack_mention(mapped->user))};
}

net::Task<void> PeopleScreens::take_back(Interaction interaction, std::string person) {
  auto caller = co_await who_is(screen_, interaction.user);
  std::string told;
  if (!caller) {
    told = error_text(caller.error());
  } else {
    auto done = co_await control::unmap_person(screen_.context(), *caller, person);
    told = done ? "It is taken back: with the next pass the home tab asks again who this person is."
                : error_text(done.error());
    if (done) screen_.changed();
  }
  co_await screen_.update(interaction.view, notice_modal("Fix a person", told), {});
}

}  // namespace watchbill::slack_app
