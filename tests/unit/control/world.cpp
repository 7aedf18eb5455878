#include "tests/unit/control/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/json.hpp"
#include "control/validate.hpp"
#include "engine/jobs/job_runner.hpp"

namespace watchbill::test {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

Error not_asked() {
  return fail(ErrorKind::internal, "manage/ does not ask for this");
}

}  // namespace

net::Task<Result<slack::Posted>> FakeChannels::post(slack::Permit, slack::OutgoingMessage) {
  co_return not_asked();
}
net::Task<Result<slack::HistoryPage>> FakeChannels::history(slack::Permit, ChannelId, Instant, std::string) {
  co_return not_asked();
}
net::Task<Result<void>> FakeChannels::join(slack::Permit, ChannelId) {
  co_return not_asked();
}
net::Task<Result<ChannelId>> FakeChannels::open_direct(slack::Permit, UserId) {
  co_return not_asked();
}

net::Task<Result<slack::Channel>> FakeChannels::channel_info(slack::Permit permit, ChannelId channel) {
  CHECK(permit.method() == slack::Method::conversations_info);
  co_await net::sleep_for(loop_, 20ms);
  for (const auto& known : channels) {
    if (known.id == channel) co_return known;
  }
  co_return Error{ErrorKind::not_found, "no such channel", "channel_not_found"};
}

net::Task<Result<slack::ChannelPage>> FakeChannels::list_channels(slack::Permit permit, std::string cursor) {
  CHECK(permit.method() == slack::Method::conversations_list);
  co_await net::sleep_for(loop_, 20ms);
  const std::size_t from = cursor.empty() ? 0 : std::stoul(cursor);
  slack::ChannelPage page;
  for (std::size_t i = from; i < std::min(channels.size(), from + 2); ++i)
    page.channels.push_back(channels[i]);
  if (from + 2 < channels.size()) page.next_cursor = std::to_string(from + 2);
  co_return page;
}

Result<net::HttpResponse> FakePagerDuty::operator()(const net::HttpRequest& request) {
  ++asked;
  if (down) return fail(ErrorKind::unreachable, "connection refused");
  if (too_many > 0) {
    --too_many;
    return providers::fakes::answer(429, "{}", {{"Retry-After", "20"}});
  }
  if (request.authorization.reveal() != "Token token=" + key)
    return providers::fakes::answer(401, R"({"error":{"message":"Invalid key"}})");
  const auto url = *net::parse_url(request.url);
  const auto path = url.path.substr(0, url.path.find('?'));
  json::Writer w;
  w.begin_object();
  if (path == "/schedules" || path == "/v3/schedules") {
    w.key("schedules").begin_array();
    for (const auto& [id, schedule] : schedules) {
      if (path != "/schedules") break;
      w.begin_object().field("id", id).field("name", schedule.name).field("time_zone", "UTC");
      w.field("html_url", "https://acme.pagerduty.com/schedules/" + id).key("escalation_policies");
      w.begin_array().begin_object().field("id", "PEP").end_object().end_array().end_object();
    }
    w.end_array().field("limit", 100).field("more", false).end_object();
    return providers::fakes::answer(200, w.take());
  }
  if (path != "/oncalls") return providers::fakes::answer(404, R"({"error":{"message":"Not Found"}})");
  w.key("oncalls").begin_array();
  for (const auto& [key_name, id] : net::decode_form(url.path.substr(url.path.find('?') + 1))) {
    if (key_name != "schedule_ids[]" || !schedules.contains(id) || schedules[id].person.empty()) continue;
    const auto& person = schedules[id].person;
    w.begin_object().key("user").begin_object().field("id", "P" + upper(person)).field("name", person);
    if (!hidden.contains(person)) w.field("email", person + "@example.com");
    w.end_object()
        .key("schedule")
        .begin_object()
        .field("id", id)
        .field("summary", schedules[id].name)
        .end_object();
    w.key("escalation_policy").begin_object().field("id", "PEP").end_object();
    w.field("escalation_level", 1).field("start", "2026-11-22T00:00:00Z");
    w.field("end", "2026-11-23T00:00:00Z").end_object();
  }
  w.end_array().field("limit", 100).field("more", false).end_object();
  return providers::fakes::answer(200, w.take());
}

ManageWorld::ManageWorld() {
  char name[] = "/tmp/watchbill-manage-XXXXXX";
  folder = mkdtemp(name);
  store = good(store::Store::open({folder + "/watchbill.db", folder + "/key"}));
  limiter = std::make_unique<slack::RateLimiter>(loop, 1);
  const auto request = [this](std::string kind, std::string payload) {
    return write_group(std::move(kind), std::move(payload));
  };
  context = std::make_unique<control::Context>(control::Context{
      loop, {*store, executor}, http, slack, slack, channels, *limiter, config, request, [this] {
        return Result<bool>(daemon);
      }});
  for (const auto* user : {"ADA", "BO", "OTTO", "EDITOR", "OWNER", "READER"}) {
    auto address = fold_name(user) + "@example.com";
    slack.add_user(std::string("U") + user, address);
  }
  pagerduty.schedules = {{"PONE", {"Payments primary", "ada"}}, {"PTWO", {"Search", "bo"}}};
  second = pagerduty;
  second.key = "second-key";
}

ManageWorld::~ManageWorld() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

net::Task<Result<json::Document>> ManageWorld::write_group(std::string kind, std::string payload) {
  net::InlineExecutor at_once;
  auto lease = store::HostLease::begin(*store);
  if (!lease) co_return lease.error();
  auto from = engine::read_journal_start(*store);
  if (!from) co_return from.error();
  engine::Journal journal(loop, {*store, at_once}, nullptr);
  journal.start(*lease, *from);
  const engine::StillWanted always = []() -> net::Task<Result<void>> { co_return Result<void>{}; };
  auto answer = co_await engine::carry_out_group_request({loop, {*store, at_once}, journal, slack, *limiter},
                                                         std::move(kind), std::move(payload), always);
  co_await journal.drain(1s);
  co_return control::read_answer(answer);
}

Connection ManageWorld::connection(const std::string& name, bool to_second) {
  Connection connection{name, "pagerduty"};
  connection.secrets = {{"api_key", Secret(to_second ? second.key : pagerduty.key)}};
  good(store->connections().add(connection, "cli:ada"));
  return connection;
}

Rotation ManageWorld::stored(const std::string& name, const std::string& managed_by) {
  Rotation r;
  r.name = name;
  r.group = GroupId("S" + upper(name));
  r.handle = name + "-oncall";
  r.schedules = {{{"pd", "PONE"}}};
  r.owners = {"UOWNER"};
  r.managed_by = managed_by;
  r.id = good(store->rotations().add(r, false, std::nullopt, "cli:ada"));
  return r;
}

Rotation ManageWorld::now(const std::string& name) {
  return good(store->rotations().find(name));
}

control::RotationDraft ManageWorld::wanted(const std::string& name, const std::string& handle,
                                           const std::string& schedule) {
  control::RotationDraft wanted;
  wanted.rotation.name = name;
  wanted.rotation.handle = handle;
  wanted.rotation.schedules = {{good(parse_schedule_ref(schedule))}};
  return wanted;
}

Result<void> ManageWorld::validate(control::RotationDraft& wanted, bool create_groups) {
  control::Workspace workspace(*context);
  std::vector<control::RotationDraft> all{wanted};
  auto valid = run(control::resolve_group(workspace, all.front(), create_groups));
  if (valid) valid = run(control::validate(workspace, cli, all, {}));
  wanted = all.front();
  return valid;
}

}  // namespace watchbill::test
