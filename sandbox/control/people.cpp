// Control actions on people and on the Slack workspace.

#include <algorithm>

#include "sandbox/control/ops.hpp"

namespace watchbill::sandbox {
namespace {

struct Person {
  std::string key;
  bool has_name = false;
  std::string name;
  bool has_email = false;
  std::string email;
};

/// True if the action says that the person is (or stays, or becomes) in this system.
bool wanted(Reader& in, std::string_view system, bool there, bool fresh) {
  const auto part = in.at(system);
  // Opsgenie's people are those of its successor, too.
  if (!part.exists() && fresh && system == name_of(System::jsm))
    return wanted(in, name_of(System::opsgenie), false, true);
  if (!part.exists()) return there || fresh;
  return part.boolean_or(true);
}

Result<void> slack_part(Desk& desk, const Person& person, json::View part) {
  auto& world = desk.world;
  Reader in(part, desk.now());
  const auto known = world.user_of_key.find(person.key);
  const bool fresh = known == world.user_of_key.end();
  SlackUser user = fresh ? SlackUser{} : *world.users.find(known->second);
  if (fresh) {
    user.id = "U0" + id_text(person.key);
    user.key = person.key;
    user.name = person.key;
  }
  if (person.has_name) user.real_name = person.name;
  if (person.has_email) user.email = person.email;
  const auto old_id = user.id;
  in.text("id", user.id);
  in.text("handle", user.name);
  in.text("email", user.email);
  in.flag("deleted", user.deleted);
  in.flag("stranger", user.stranger);
  in.flag("bot", user.bot);
  in.flag("admin", user.admin);
  in.flag("owner", user.owner);
  if (in.has("guest")) {
    const auto guest = in.at("guest").string_or("");
    user.multi_channel_guest = guest == "multi";
    user.single_channel_guest = guest == "single";
    if (guest.empty() && in.at("guest").boolean_or(true)) {
      return fail(ErrorKind::invalid, "guest is \"multi\", \"single\" or false");
    }
  }
  if (auto done = in.done(); !done) return done.error().in("slack");
  if (const auto* taken = world.users.find(user.id); taken && taken->key != person.key) {
    return fail(ErrorKind::conflict, "slack: id {} belongs to {}", user.id, taken->key);
  }
  if (!fresh && old_id != user.id) world.users.remove(old_id);
  world.user_of_key[person.key] = user.id;
  world.users.make(user.id) = user;
  return {};
}

std::string default_id(System system, const std::string& key) {
  if (system == System::pagerduty) return "PU" + id_text(key);
  // An Atlassian account ID: opaque, and it may hold a colon.
  if (system == System::jsm) return "712020:" + uuid_of(fmt::format("jsm person {}", key));
  return uuid_of(fmt::format("{} person {}", name_of(system), key));
}

Result<void> responder_part(Desk& desk, const Person& person, System system, json::View part) {
  auto& roster = desk.world.roster(system);
  Reader in(part, desk.now());
  const auto* known = roster.person(person.key);
  Responder responder = known ? *known : Responder{};
  if (!known) {
    responder.id = default_id(system, person.key);
    responder.key = person.key;
    responder.login = person.key;
  }
  if (person.has_name) responder.name = person.name;
  if (person.has_email) responder.email = person.email;
  const auto old_id = responder.id;
  in.text("id", responder.id);
  in.text("name", responder.name);
  in.text("email", responder.email);
  in.text("login", responder.login);
  in.flag("deleted", responder.deleted);
  in.flag("devices_forbidden", responder.devices_forbidden);
  in.flag("email_hidden", responder.email_hidden);
  if (auto done = in.done(); !done) return done.error().in("{}", name_of(system));
  if (const auto* taken = roster.people.find(responder.id); taken && taken->key != person.key) {
    return fail(ErrorKind::conflict, "{}: id {} belongs to {}", name_of(system), responder.id, taken->key);
  }
  if (old_id != responder.id) roster.people.remove(old_id);
  roster.id_of_key[person.key] = responder.id;
  roster.people.make(responder.id) = responder;
  return {};
}

void leave(World& world, System system, const std::string& key) {
  if (system == System::slack) {
    const auto user = world.user_of_key.find(key);
    if (user == world.user_of_key.end()) return;
    world.users.remove(user->second);
    world.user_of_key.erase(user);
    return;
  }
  auto& roster = world.roster(system);
  if (const auto id = roster.id_of_key.find(key); id != roster.id_of_key.end()) {
    roster.people.remove(id->second);
    roster.id_of_key.erase(id);
  }
}

bool is_there(const World& world, System system, const std::string& key) {
  if (system == System::slack) return world.user_of_key.count(key) != 0;
  return world.roster(system).person(key) != nullptr;
}

constexpr std::array kHomes{System::slack, System::pagerduty, System::opsgenie, System::jsm,
                            System::xmatters};

}  // namespace

Result<std::vector<std::string>> slack_ids(const World& world, const std::vector<std::string>& people) {
  std::vector<std::string> ids;
  for (const auto& name : people) {
    const auto known = world.user_of_key.find(name);
    if (known != world.user_of_key.end()) {
      ids.push_back(known->second);
    } else if (world.users.find(name)) {
      ids.push_back(name);
    } else {
      return fail(ErrorKind::not_found, "nobody in Slack is called \"{}\"", name);
    }
  }
  return ids;
}

Channel* channel_named(World& world, std::string_view text) {
  if (auto* channel = world.channels.find(text)) return channel;
  const auto found = std::find_if(world.channels.begin(), world.channels.end(),
                                  [&](const Channel& c) { return c.name == text; });
  return found == world.channels.end() ? nullptr : &*found;
}

Result<void> do_person(Desk& desk, Reader& in, json::Writer& out) {
  Person person;
  person.key = in.required("key");
  person.has_name = in.has("name");
  in.text("name", person.name);
  person.has_email = in.has("email");
  in.text("email", person.email);
  for (const System system : kHomes) in.at(name_of(system));
  if (auto done = in.done(); !done) return done;
  if (person.key.find(':') != std::string::npos) return fail(ErrorKind::invalid, "a key has no colon");

  const bool fresh = std::none_of(kHomes.begin(), kHomes.end(),
                                  [&](System s) { return is_there(desk.world, s, person.key); });
  if (fresh && !person.has_name) {
    person.name = person.key;
    person.has_name = true;
  }
  for (const System system : kHomes) {
    const auto part = in.at(name_of(system));
    if (!wanted(in, name_of(system), is_there(desk.world, system, person.key), fresh)) {
      leave(desk.world, system, person.key);
      continue;
    }
    const auto details = part.is_object() ? part : json::View{};
    auto done = system == System::slack ? slack_part(desk, person, details)
                                        : responder_part(desk, person, system, details);
    if (!done) return done;
  }
  const auto user = desk.world.user_of_key.find(person.key);
  if (user != desk.world.user_of_key.end()) out.field("slack", user->second);
  return {};
}

Result<void> do_remove(Desk& desk, Reader& in, json::Writer&) {
  const auto key = in.required("person");
  if (auto done = in.done(); !done) return done;
  for (const System system : kHomes) leave(desk.world, system, key);
  return {};
}

Result<void> do_channel(Desk& desk, Reader& in, json::Writer& out) {
  std::string id;
  std::string name;
  in.text("id", id);
  in.text("name", name);
  if (id.empty() && name.empty()) return fail(ErrorKind::invalid, "\"name\" is missing");
  const auto* known = channel_named(desk.world, id.empty() ? name : id);
  if (id.empty()) id = known ? known->id : "C0" + id_text(name);
  Channel channel = known ? *known : Channel{};
  channel.id = id;
  if (!name.empty()) channel.name = name;
  in.flag("private", channel.is_private);
  in.flag("archived", channel.archived);
  std::vector<std::string> people;
  const bool members = in.has("people");
  in.texts("people", people);
  const auto& bot_user = desk.world.slack.bot_user;
  bool bot = known ? known->members.count(bot_user) != 0 : true;
  in.flag("bot", bot);
  if (auto done = in.done(); !done) return done;
  if (members) {
    auto ids = slack_ids(desk.world, people);
    if (!ids) return ids.error();
    channel.members = {ids->begin(), ids->end()};
  }
  channel.members.erase(bot_user);
  if (bot) channel.members.insert(bot_user);
  desk.world.channels.make(id) = std::move(channel);
  out.field("id", id);
  return {};
}

Result<void> do_message(Desk& desk, Reader& in, json::Writer& out) {
  const auto name = in.required("channel");
  const auto person = in.required("person");
  const auto text = in.required("text");
  if (auto done = in.done(); !done) return done;
  auto* channel = channel_named(desk.world, name);
  if (!channel) return fail(ErrorKind::not_found, "no channel \"{}\"", name);
  auto ids = slack_ids(desk.world, {person});
  if (!ids) return ids.error();
  Message message;
  message.user = ids->front();
  message.text = text;
  message.ts = next_message_ts(*channel, desk.now());
  out.field("ts", message.ts);
  channel->messages.push_back(std::move(message));
  return {};
}

}  // namespace watchbill::sandbox
