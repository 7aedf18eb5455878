#include "app/people_screens.hpp"

#include <algorithm>

#include "app/dialogs.hpp"
#include "app/rotation_form.hpp"
#include "manage/people.hpp"

namespace watchbill::app {

net::Task<void> PeopleScreens::open(UserId user, std::string trigger, std::string person) {
  co_await surface_.open(std::move(trigger), "Fix a person", view_of(std::move(user), std::move(person)));
}

net::Task<std::string> PeopleScreens::view_of(UserId user, std::string person) {
  const auto refuse = [](const Error& error) { return notice_modal("Fix a person", error_text(error)); };
  auto& desk = surface_.desk();
  auto caller = co_await who_is(surface_, std::move(user));
  if (!caller) co_return refuse(caller.error());
  if (auto ok = manage::allowed(desk, *caller, Action::map_person, {}); !ok) co_return refuse(ok.error());
  auto people = manage::unmatched_people(desk.store);
  if (!people) co_return refuse(people.error());
  const auto found = std::find_if(people->begin(), people->end(), [&](const manage::UnmatchedPerson& one) {
    return one.responder.connection + "/" + one.responder.id == person;
  });
  if (found == people->end())
    co_return notice_modal("Fix a person",
                           "Nothing is wrong with this person any more: somebody was faster.");
  const auto& responder = found->responder;
  co_return person_modal(
      {person, responder.name, responder.email.value_or(""), responder.connection, found->why, ""});
}

net::Task<std::string> PeopleScreens::submit(Place place) {
  const auto document = json::parse(place.metadata);
  auto person = document ? document->root()["person"].string_or("") : std::string();
  auto chosen = place.values[kFieldPerson][kTyped]["selected_user"].string_or("");
  auto work = std::make_unique<Later<std::string>>(surface_.loop(),
                                                   map(place.user, std::move(person), std::move(chosen)));
  if (!co_await work->ready_within(kAnswerWithin)) {
    surface_.spawn(finish(place.view, std::move(work)));
    co_return answer_update(loading_modal("Fix a person"));
  }
  auto wrong = co_await work->result();
  if (wrong.empty()) co_return answer_clear();
  co_return answer_errors({{kFieldPerson, wrong}});
}

net::Task<void> PeopleScreens::finish(std::string view, std::unique_ptr<Later<std::string>> work) {
  auto wrong = co_await work->result();
  auto told = wrong.empty() ? notice_modal("Saved", "From the next pass on this person is in the groups.")
                            : notice_modal("Not saved", error_text({ErrorKind::invalid, wrong}));
  co_await surface_.update(std::move(view), std::move(told), {});
}

net::Task<std::string> PeopleScreens::map(UserId user, std::string person, std::string slack_user) {
  auto caller = co_await who_is(surface_, std::move(user));
  if (!caller) co_return caller.error().message;
  if (slack_user.empty()) co_return std::string("Choose the person.");
  manage::Workspace workspace(surface_.desk());
  auto mapped = co_await manage::map_person(workspace, *caller, std::move(person), std::move(slack_user));
  if (!mapped) co_return mapped.error().message;
  surface_.changed();
  co_return std::string();
}

}  // namespace watchbill::app
