#include "slack_app/home/home_data.hpp"

#include <algorithm>
#include <charconv>

#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"
#include "providers/provider.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/systems/browser_connect.hpp"
#include "store/names.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kShiftsKept = 20;
constexpr std::string_view kFilePrefix = "file:";

/// "rotation:12:refused" -> "refused"; empty if it is no rotation's.
std::string_view kind_of(std::string_view key) {
  if (!key.starts_with("rotation:")) return {};
  const auto second = key.find(':', std::string_view("rotation:").size());
  if (second == std::string_view::npos) return {};
  const auto rest = key.substr(second + 1);
  return rest.substr(0, rest.find(':'));
}

/// The most urgent first: what stops everything, then systems, then rotations.
int urgency(std::string_view key) {
  if (key.starts_with("slack:") || key.starts_with("store:")) return 0;
  return key.starts_with("connection:") ? 1 : 2;
}

CredentialForms forms_of(const control::Context& context) {
  return context.config.slack.credentials_in_modals ? CredentialForms::shown : CredentialForms::hidden;
}

bool mended_by_editing(std::string_view kind) {
  for (const std::string_view one : {"missing", "unwritable", "gone", "forbidden", "unfit", "channel"}) {
    if (kind == one) return true;
  }
  return false;
}

/// "rotation "Payments" (@payments-oncall): …": what is wrong names its group.
std::string with_group(const control::Overview& overview, const Problem& problem) {
  for (const auto& view : overview.rotations) {
    const auto head = fmt::format("rotation \"{}\"", view.rotation.name);
    if (view.rotation.id != problem.rotation || !problem.text.starts_with(head + ": ")) continue;
    if (problem.text.find("@" + view.rotation.handle) != std::string::npos) break;
    return fmt::format("{} (@{}){}", head, view.rotation.handle, problem.text.substr(head.size()));
  }
  return problem.text;
}

/// The groups that somebody cannot be in: "@payments-oncall and @search-oncall".
std::string groups_without(const control::Overview& overview, const Responder& responder) {
  std::vector<std::string> groups;
  for (const auto& view : overview.rotations) {
    const bool on_call = std::any_of(
        view.on_call.begin(), view.on_call.end(),
        [&](const OnCallPerson& person) { return person.responder == responder && !person.member; });
    if (on_call) groups.push_back(group_text(view.rotation.group, view.rotation.handle));
  }
  return groups.empty() ? "a group" : phrase(groups, 4);
}

Result<void> read_attention(store::Store& store, CredentialForms forms, HomeSnapshot& snapshot) {
  auto problems = store.problems().list();
  if (!problems) return problems.error();
  std::erase_if(*problems, [](const store::OpenProblem& open) {
    // Whoever cannot be matched stands once among the people, however many rotations he is on call in.
    return open.ended_at || kind_of(open.problem.key) == "unmatched";
  });
  std::stable_sort(problems->begin(), problems->end(), [](const auto& a, const auto& b) {
    return urgency(a.problem.key) < urgency(b.problem.key);
  });
  for (auto& open : *problems) {
    open.problem.text = store::with_names(store, with_group(snapshot.overview, open.problem));
    snapshot.attention.push_back(attention_of(open.problem, forms));
    snapshot.attention_of.push_back(open.problem.rotation.value_or(RotationId{}));
  }
  auto people = control::unmatched_people(store);
  if (!people) return people.error();
  for (const auto& person : *people) {
    const auto& r = person.responder;
    snapshot.attention.push_back({fmt::format("*{}* is on call in {} and cannot be in {}: {}",
                                              slack_name(r.name), slack_name(r.connection),
                                              groups_without(snapshot.overview, r), escape_slack(person.why)),
                                  Attention::Fix::person, fmt::format("{}/{}", r.connection, r.id)});
    snapshot.attention_of.emplace_back();
  }
  return {};
}

/// Reading all timelines is expensive: only when somebody needs it.
Result<void> read_silence(store::Store& store, HomeSnapshot& snapshot) {
  const auto& views = snapshot.overview.rotations;
  const bool any = std::any_of(views.begin(), views.end(),
                               [](const control::RotationView& view) { return view.state == "stale"; });
  if (!any) return {};
  auto states = store.engine().states();
  if (!states) return states.error();
  for (const auto& state : *states) {
    if (state.failing_since) snapshot.silent_since[state.schedule] = *state.failing_since;
  }
  return {};
}

std::vector<UserId> without(const std::vector<UserId>& some, const std::vector<UserId>& others) {
  std::vector<UserId> out;
  for (const auto& user : some) {
    if (std::find(others.begin(), others.end(), user) == others.end()) out.push_back(user);
  }
  return out;
}

std::string mentions(const std::vector<UserId>& users) {
  std::vector<std::string> parts;
  parts.reserve(users.size());
  for (const auto& user : users) parts.push_back(slack_mention(user));
  return phrase(parts, 4);
}

std::optional<LastChange> last_change(store::Store& store, RotationId id) {
  auto changes = store.history().list({id, std::nullopt, std::nullopt, 1});
  if (!changes || changes->empty()) return std::nullopt;
  const auto& change = changes->front();
  const auto came = without(change.after, change.before);
  const auto went = without(change.before, change.after);
  auto what = std::string(name_of(change.cause));
  if (!came.empty()) what += ", " + mentions(came) + " in";
  if (!went.empty()) what += ", " + mentions(went) + " out";
  if (change.by) what += ", by " + actor_text(*change.by);
  return LastChange{change.at, std::move(what)};
}

bool found_by(const Rotation& rotation, std::string query) {
  if (query.starts_with('@')) query.erase(0, 1);
  const auto folded = fold_name(query);
  return fold_name(rotation.name).find(folded) != std::string::npos ||
         fold_name(rotation.handle).find(folded) != std::string::npos;
}

bool needs_a_look(const control::RotationView& view) {
  return view.state == "error" || view.state == "stale" || !view.problems.empty();
}

RotationLine line_of(control::Context& context, const HomeSnapshot& snapshot,
                     const control::RotationView& view, const HomeReader& reader, const Forecast& forecast) {
  const auto& rotation = view.rotation;
  const auto may_do = [&](Action action) {
    return may(reader.user, action, {&rotation, {}}, context.permissions()).ok();
  };
  RotationLine line;
  line.id = rotation.id;
  line.name = rotation.name;
  line.group = rotation.group;
  line.handle = rotation.handle;
  line.on_call = view.on_call;
  line.unknown = view.unknown;
  line.next = view.next;
  if (control::group_differs(view)) line.in_group = members_text(view.members, view.disabled);
  line.state = view.state;
  for (const auto& problem : view.problems)
    line.problems.push_back(foreign_text(with_buttons(problem, forms_of(context))));
  for (const auto& schedule : rotation.schedules) {
    const auto since = snapshot.silent_since.find(schedule.ref);
    if (since == snapshot.silent_since.end()) continue;
    line.stale_since = std::min(line.stale_since.value_or(since->second), since->second);
  }
  if (view.state == "pending") {
    if (const auto write = forecast(rotation.id)) {
      line.written_in = std::max(milliseconds{0}, write->at - context.loop.now());
      line.ahead = write->ahead;
    }
  }
  if (const auto known = reader.last_changes.find(rotation.id); known != reader.last_changes.end())
    line.last_change = known->second;
  if (rotation.managed_by.starts_with(kFilePrefix))
    line.file = rotation.managed_by.substr(kFilePrefix.size());
  line.may_edit = may_do(Action::edit);
  line.may_sync = may_do(Action::sync);
  line.may_pause = may_do(Action::pause);
  line.may_remove = may_do(Action::remove);
  return line;
}

const Rotation* rotation_in(const HomeSnapshot& snapshot, RotationId id) {
  for (const auto& view : snapshot.overview.rotations) {
    if (view.rotation.id == id) return &view.rotation;
  }
  return nullptr;
}

void add_attention(control::Context& context, const HomeSnapshot& snapshot, const SlackUser& user,
                   HomeModel& model) {
  for (std::size_t i = 0; i < snapshot.attention.size(); ++i) {
    auto attention = snapshot.attention[i];
    if (attention.fix == Attention::Fix::rotation) {
      const auto* rotation = rotation_in(snapshot, snapshot.attention_of[i]);
      const bool may_edit = rotation && may(user, Action::edit, {rotation, {}}, context.permissions()).ok();
      if (!may_edit) attention.fix = Attention::Fix::none;
    }
    model.attention.push_back(std::move(attention));
  }
}

void add_systems(control::Context& context, const HomeSnapshot& snapshot, HomeModel& model) {
  for (const auto& [name, kind, status] : snapshot.overview.connections) {
    SystemLine line;
    line.name = name;
    line.kind = kind;
    line.title = providers::title_of(kind);
    line.state = status.state;
    line.last_success = status.last_success;
    line.problem = as_sentence(status.problem.value_or(""), forms_of(context));
    line.notice = providers::end_notice(name, kind, context.loop.now()).value_or("");
    const auto used = snapshot.uses.find(name);
    line.rotations = used == snapshot.uses.end() ? 0 : used->second;
    model.systems.push_back(std::move(line));
  }
}

/// The rotations that somebody sees, and among how many.
struct ShownPage {
  std::vector<const control::RotationView*> rotations{};
  std::size_t matching = 0;
  std::size_t number = 0;
};

ShownPage page_of(const HomeSnapshot& snapshot, const HomePosition& position) {
  std::vector<const control::RotationView*> found;
  for (const auto& view : snapshot.overview.rotations) {
    if (position.query.empty() || found_by(view.rotation, position.query)) found.push_back(&view);
  }
  // Those that need a look first, each kind in the order of names.
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return needs_a_look(*a) > needs_a_look(*b); });
  ShownPage page;
  page.matching = found.size();
  page.number = std::min(position.page, page_count(found.size()) - 1);
  const auto first = page.number * kRotationsPerPage;
  for (auto i = first; i < std::min(found.size(), first + kRotationsPerPage); ++i)
    page.rotations.push_back(found[i]);
  return page;
}

void add_rotations(control::Context& context, const HomeSnapshot& snapshot, const HomeReader& reader,
                   const Forecast& forecast, HomeModel& model) {
  const auto page = page_of(snapshot, reader.position);
  model.all = snapshot.overview.rotations.size();
  model.matching = page.matching;
  model.query = reader.position.query;
  model.page = page.number;
  for (const auto* view : page.rotations)
    model.rotations.push_back(line_of(context, snapshot, *view, reader, forecast));
}

}  // namespace

Attention attention_of(const Problem& problem, CredentialForms forms) {
  Attention attention{foreign_text(as_sentence(problem.text, forms))};
  const std::string_view key = problem.key;
  if (!problem.connection.empty() && key.ends_with(":unauthorized")) {
    attention.fix = Attention::Fix::connection;
    attention.object = problem.connection;
  } else if (problem.rotation && mended_by_editing(kind_of(key))) {
    attention.fix = Attention::Fix::rotation;
    attention.object = std::to_string(problem.rotation->value);
  }
  return attention;
}

namespace {

Result<HomeSnapshot> snapshot_of(store::Store& store, const control::OverviewInput& input,
                                 CredentialForms forms) {
  HomeSnapshot snapshot;
  auto overview = control::overview_of(store, input);
  if (!overview) return overview.error();
  snapshot.overview = *std::move(overview);
  for (const auto& view : snapshot.overview.rotations) {
    std::vector<std::string> connections;
    for (const auto& schedule : view.rotation.schedules) connections.push_back(schedule.ref.connection);
    std::sort(connections.begin(), connections.end());
    connections.erase(std::unique(connections.begin(), connections.end()), connections.end());
    for (const auto& connection : connections) ++snapshot.uses[connection];
  }
  if (const auto& old = snapshot.overview.store_problem) {
    snapshot.attention.push_back({foreign_text(as_sentence(*old, forms))});
    snapshot.attention_of.emplace_back();
  }
  if (auto read = read_attention(store, forms, snapshot); !read) return read.error();
  if (auto read = read_silence(store, snapshot); !read) return read.error();
  return snapshot;
}

}  // namespace

net::Task<Result<HomeSnapshot>> read_home(control::Context& context) {
  auto input = control::overview_input(context);
  if (!input) co_return input.error();
  while (true) {
    const auto read = [given = *input, forms = forms_of(context)](store::Store& store) {
      return snapshot_of(store, given, forms);
    };
    auto snapshot = co_await context.store.run(read);
    if (!snapshot || !control::look_again(context, snapshot->overview, *input)) co_return snapshot;
  }
}

net::Task<LastChanges> read_last_changes(control::Context& context,
                                         std::shared_ptr<const HomeSnapshot> snapshot,
                                         HomePosition position) {
  std::vector<RotationId> shown;
  for (const auto* view : page_of(*snapshot, position).rotations) shown.push_back(view->rotation.id);
  const auto read = [shown = std::move(shown)](store::Store& store) {
    LastChanges changes;
    for (const auto id : shown) {
      if (auto change = last_change(store, id)) changes.emplace(id, *std::move(change));
    }
    return changes;
  };
  co_return co_await context.store.run(read);
}

HomeModel home_model(control::Context& context, const HomeSnapshot& snapshot, const HomeReader& reader,
                     const Forecast& forecast) {
  const auto may_do = [&](Action action) { return may(reader.user, action, {}, context.permissions()).ok(); };
  HomeModel model;
  model.guest = !may_do(Action::view);
  model.command = context.config.slack.command;
  model.may_create = may_do(Action::create);
  model.may_connect = may_do(Action::connect);
  model.may_fix_people = may_do(Action::map_person);
  if (model.may_connect) model.no_browser = no_browser_text(context.config);
  for (const auto& account : reader.accounts) {
    model.attention.push_back(
        {fmt::format("{} let Watchbill in: *{}*. Is that the account for *{}*?", account.system,
                     slack_name(account.account, 200), slack_name(account.connection)),
         Attention::Fix::account, account.connection});
  }
  add_attention(context, snapshot, reader.user, model);
  add_systems(context, snapshot, model);
  add_rotations(context, snapshot, reader, forecast, model);
  for (std::size_t i = 0; i < std::min(reader.shifts.size(), kShiftsKept); ++i) {
    const auto& shift = reader.shifts[i];
    const bool now = shift.start <= context.loop.now();
    model.shifts.push_back(
        {shift.rotation, now ? std::nullopt : std::optional(shift.start), shift.end, shift.schedule});
  }
  return model;
}

std::string home_fingerprint(HomeModel model) {
  for (auto& system : model.systems) {
    if (system.state == "ok" && system.last_success) system.last_success = kAlways;
  }
  return home_view(model);
}

}  // namespace watchbill::slack_app
