#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "slack_app/home/home.hpp"

/// Models of views with everything in them, for many kinds of names.
namespace watchbill::slack_app {

struct SampleNames {
  std::string rotation;
  std::string person;
  std::string schedule;
};

inline std::string repeated(const std::string& text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

/// Plain, the longest there may be, emoji, right-to-left, and those that try to break out.
inline const std::vector<SampleNames>& sample_names() {
  static const std::vector<SampleNames> names{
      {"Payments", "Ada Example", "Primary"},
      {repeated("W", 80), repeated("Wolfeschlegelstein", 20), repeated("s", 300)},
      {repeated("\xF0\x9F\x94\xA5", 80), repeated("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80", 80),
       repeated("\xF0\x9F\x93\x85", 300)},
      {repeated("\xD7\xAA\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D ", 16), repeated("\xD8\xB9\xD9\x84\xD9\x8A ", 60),
       repeated("\xD7\xA2\xD7\x91", 100)},
      {"<!channel> & *x* `y` > z", "<@U0> </script>\"\\", "a\nb\tc\x01"},
  };
  return names;
}

inline OnCallPerson person(const std::string& name, const std::string& user, const std::string& schedule,
                           std::optional<Instant> until) {
  OnCallPerson out;
  out.responder = {"pd", "P" + name, name, std::nullopt};
  out.schedule = {"pd", "PS-" + schedule};
  out.schedule_label = schedule;
  if (!user.empty()) out.member = UserId(user);
  out.until = until;
  return out;
}

inline RotationLine sample_line(std::size_t number, const SampleNames& names, bool editor) {
  static const std::vector<std::string> states{"in_sync", "pending", "stale", "error", "paused", "observing"};
  RotationLine line;
  line.id = RotationId{static_cast<std::int64_t>(number) + 1};
  line.name = fmt::format("{}{}", names.rotation, number);
  line.group = GroupId(fmt::format("S{:08}", number));
  line.handle = fmt::format("oncall-{}", number);
  const auto moment = Instant(1'800'000'000s);
  for (int i = 0; i < 12; ++i) {
    line.on_call.push_back(person(fmt::format("{}{}", names.person, i),
                                  i % 3 == 0 ? "" : fmt::format("U{:08}", i), names.schedule, moment));
    line.next.push_back({names.person, std::nullopt, moment});
  }
  line.state = states[number % states.size()];
  line.problems = {"who is on call in pd/PS1 is not known: it does not answer", "another problem"};
  line.stale_since = moment;
  line.written_in = 40s;
  line.ahead = 12;
  line.last_change = {{moment, "handoff to <@U1>"}};
  line.may_edit = line.may_sync = line.may_pause = line.may_remove = editor;
  return line;
}

inline void turn_to(HomeModel& model, std::size_t page, const SampleNames& names, bool editor) {
  model.page = page;
  model.rotations.clear();
  for (auto i = page * kRotationsPerPage; i < std::min(model.all, (page + 1) * kRotationsPerPage); ++i)
    model.rotations.push_back(sample_line(i, names, editor));
}

/// A home tab with all sections as full as they get.
inline HomeModel full_home(std::size_t rotations, const SampleNames& names, bool editor) {
  HomeModel model;
  for (int i = 0; i < 20; ++i) {
    model.attention.push_back({"Somebody is on call and not in Slack.",
                               static_cast<Attention::Fix>(editor ? i % 4 : 0), fmt::format("pd/P{}", i)});
    SystemLine system;
    system.name = fmt::format("pagerduty-{}", i);
    system.kind = "pagerduty";
    system.title = "PagerDuty";
    system.state = i % 3 == 0 ? "ok" : i % 3 == 1 ? "failing" : "unauthorized";
    system.problem = i % 3 == 0 ? "" : names.schedule;
    system.last_success = Instant(1'800'000'000s);
    system.rotations = static_cast<std::size_t>(i);
    model.systems.push_back(system);
    model.shifts.push_back({names.rotation, i == 0 ? std::nullopt : std::optional(Instant(1'800'000'000s)),
                            Instant(1'800'003'600s)});
  }
  model.may_connect = model.may_create = model.may_fix_people = editor;
  model.no_browser = "PagerDuty in the browser needs `public_url`.";
  model.all = model.matching = rotations;
  turn_to(model, 0, names, editor);
  return model;
}

}  // namespace watchbill::slack_app
