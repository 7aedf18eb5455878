#include "slack_app/rotations/form_merge.hpp"

#include "tests/support/catch.hpp"

namespace watchbill::slack_app {

namespace {

RotationForm a_form() {
  RotationForm form;
  form.name = "Payments";
  form.group = GroupField{false, GroupId("S1"), "payments"};
  form.schedules = {{{"pd", "P1"}, "Primary"}, {{"pd", "P2"}, "Secondary"}};
  form.channels = {ChannelId("C1"), ChannelId("C2")};
  form.permanent_members = {UserId("U1")};
  form.own_text = "{{incoming}}";
  return form;
}

/// Each field changed, one after the other.
std::vector<std::pair<std::string, RotationForm>> changes() {
  std::vector<std::pair<std::string, RotationForm>> all;
  const auto add = [&](const char* field, auto change) {
    auto form = a_form();
    change(form);
    all.emplace_back(field, std::move(form));
  };
  add(kFieldName, [](RotationForm& f) { f.name = "Billing"; });
  add(kFieldGroup, [](RotationForm& f) { f.group = GroupField{false, GroupId("S2"), "billing"}; });
  add(kFieldSchedules, [](RotationForm& f) { f.schedules.pop_back(); });
  add(kFieldChannels, [](RotationForm& f) { f.channels.clear(); });
  add(kFieldMembers, [](RotationForm& f) { f.permanent_members.emplace_back("U2"); });
  add(kFieldEmpty, [](RotationForm& f) { f.empty = Empty::disable; });
  add(kFieldFallback, [](RotationForm& f) { f.fallback_members.emplace_back("U3"); });
  add(kFieldAnnounce, [](RotationForm& f) { f.announce = false; });
  add(kFieldMention, [](RotationForm& f) { f.mention = Mention::none; });
  add(kFieldText, [](RotationForm& f) { f.own_text.clear(); });
  return all;
}

using Fields = std::vector<std::string>;

}  // namespace

TEST_CASE("a field that only the other one changed is taken over, whichever it is") {
  const auto began = fingerprints(a_form());
  for (const auto& [field, theirs] : changes()) {
    INFO(field);
    const auto both = merged(began, a_form(), theirs);
    CHECK(both.form == theirs);
    CHECK(both.taken == Fields{field});
    CHECK(both.clashing.empty());
  }
}

TEST_CASE("a field that only I changed stays as I typed it, whichever it is") {
  const auto began = fingerprints(a_form());
  for (const auto& [field, mine] : changes()) {
    INFO(field);
    const auto both = merged(began, mine, a_form());
    CHECK(both.form == mine);
    CHECK(both.taken.empty());
    CHECK(both.clashing.empty());
  }
}

TEST_CASE("changes of different fields both stay; of the same field mine, which is told") {
  const auto began = fingerprints(a_form());
  for (const auto& [field, theirs] : changes()) {
    INFO(field);
    auto mine = a_form();
    mine.name = "Mine";
    mine.empty = Empty::fallback;
    const auto both = merged(began, mine, theirs);
    CHECK(both.form.name == "Mine");
    CHECK(both.form.empty == Empty::fallback);
    const bool same = field == kFieldName || field == kFieldEmpty;
    CHECK(both.clashing == (same ? Fields{field} : Fields{}));
    CHECK(both.taken == (same ? Fields{} : Fields{field}));
    CHECK_FALSE(label_of(field).empty());
    CHECK_FALSE(shown_value(theirs, field).empty());
  }
}

TEST_CASE("the same change made twice is no clash, and neither is another order") {
  const auto began = fingerprints(a_form());
  for (const auto& [field, theirs] : changes()) {
    INFO(field);
    CHECK(merged(began, theirs, theirs).form == theirs);
    CHECK(merged(began, theirs, theirs).clashing.empty());
  }
  auto turned = a_form();
  std::swap(turned.channels[0], turned.channels[1]);
  std::swap(turned.schedules[0], turned.schedules[1]);
  auto theirs = a_form();
  theirs.channels.clear();
  CHECK(merged(began, turned, theirs).taken == Fields{kFieldChannels});
}

TEST_CASE("a form of which it is not known how it began keeps all that was typed, and tells what differs") {
  auto theirs = a_form();
  theirs.name = "Billing";
  const auto both = merged({}, a_form(), theirs);
  CHECK(both.form == a_form());
  CHECK(both.clashing == Fields{kFieldName});
}

}  // namespace watchbill::slack_app
