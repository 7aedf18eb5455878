#include "control/choices.hpp"

#include <algorithm>
#include <map>

#include "control/connections.hpp"
#include "control/workspace.hpp"
#include "net/timeout.hpp"

namespace watchbill::control {

namespace {

constexpr auto kGroupsAge = 30s;
/// Whoever made a group in Slack a moment ago wants to find it in the form that he opens now.
constexpr auto kGroupsAgeAtOpening = 5s;
/// A list may be under way that does not have it yet.
constexpr auto kMadeLonger = 10s;
constexpr auto kSchedulesAge = 5min;
/// What could not be read is not tried again before that.
constexpr auto kRetry = 15s;
/// How long a first question waits.
constexpr auto kPatience = 2s;
constexpr auto kRolesAge = 5min;
constexpr auto kMembershipAge = 1min;
/// What is this old still counts while Slack does not answer.
constexpr auto kLastKnown = 1h;
constexpr auto kRolePatience = 1200ms;

/// Something that was read, when, and what came of the last attempt.
template <class T>
struct Remembered {
  std::optional<T> value{};
  SteadyInstant read_at{};
  std::optional<Error> failure{};
  SteadyInstant failed_at{};
  bool reading = false;

  [[nodiscard]] bool due(SteadyInstant now, milliseconds age) const {
    if (reading || (failure && now - failed_at < kRetry)) return false;
    return !value || now - read_at >= age;
  }
  /// There is something to say.
  [[nodiscard]] bool settled() const { return value || (failure && !reading); }

  void put(Result<T> answer, SteadyInstant now) {
    reading = false;
    if (answer) {
      value = *std::move(answer);
      read_at = now;
      failure.reset();
    } else {
      failure = answer.error();
      failed_at = now;
    }
  }
};

bool has_group(const std::vector<slack::UserGroup>& groups, const GroupId& id) {
  return std::any_of(groups.begin(), groups.end(),
                     [&](const slack::UserGroup& group) { return group.id == id; });
}

using Schedules = std::vector<providers::ScheduleInfo>;

bool contains_folded(std::string_view text, const std::string& folded) {
  return fold_name(text).find(folded) != std::string::npos;
}

/// What begins with the text goes first, then by name.
template <class T, class NameOf>
void sort_found(std::vector<T>& found, const std::string& folded, NameOf name_of) {
  std::stable_sort(found.begin(), found.end(), [&](const T& a, const T& b) {
    const auto left = fold_name(name_of(a));
    const auto right = fold_name(name_of(b));
    const bool left_first = left.starts_with(folded);
    const bool right_first = right.starts_with(folded);
    return left_first != right_first ? left_first : left < right;
  });
}

/// Cuts to `limit` and says how many that cost.
template <class T>
std::size_t cut_found(std::vector<T>& found, std::size_t limit) {
  if (found.size() <= limit) return 0;
  const auto more = found.size() - limit;
  found.resize(limit);
  return more;
}

std::string without_sigil(std::string text, char sigil) {
  if (text.starts_with(sigil)) text.erase(0, 1);
  return fold_name(text);
}

}  // namespace

struct Choices::Impl {
  explicit Impl(Context& the_context) : context(the_context), changed(the_context.loop) {}

  void warm_groups(milliseconds age = kGroupsAge);
  /// Groups that rotations keep and the list does not have: they were made since it was read.
  void note_made(const std::vector<Rotation>& rotations);
  /// Those of the list, and those that were made since.
  [[nodiscard]] std::vector<slack::UserGroup> known_groups() const;
  /// The connections that there are, by name: their kinds.
  net::Task<std::map<std::string, std::string>> warm_schedules();
  net::Task<void> warm_schedules_only();
  net::Task<void> read_all_groups();
  net::Task<void> read_schedules(Connection connection);
  net::Task<void> read_person(UserId user);
  template <class Done>
  net::Task<void> wait_for(Done done, milliseconds patience);
  net::Task<Result<slack::User>> roles_of(UserId user);

  Context& context;
  net::Signal changed;
  Remembered<std::vector<slack::UserGroup>> groups;
  /// Until when each counts, whatever becomes of its rotation.
  std::map<GroupId, std::pair<std::string, SteadyInstant>> made;
  std::map<std::string, Remembered<Schedules>> schedules;
  std::map<UserId, Remembered<slack::User>> people;
  net::TaskScope tasks;
};

net::Task<void> Choices::Impl::read_all_groups() {
  auto read = co_await read_groups(context, slack::Priority::edit);
  groups.put(std::move(read), context.loop.steady_now());
  changed.notify();
}

net::Task<void> Choices::Impl::read_schedules(Connection connection) {
  const auto name = connection.name;
  std::vector<Connection> one;
  one.push_back(std::move(connection));
  auto listed = co_await list_schedules(context, std::move(one));
  if (const auto found = schedules.find(name); found != schedules.end())
    found->second.put(std::move(listed.front().listed), context.loop.steady_now());
  changed.notify();
}

net::Task<void> Choices::Impl::read_person(UserId user) {
  auto read = co_await read_user(context, user, slack::Priority::edit);
  people[user].put(std::move(read), context.loop.steady_now());
  changed.notify();
}

void Choices::Impl::warm_groups(milliseconds age) {
  if (!groups.due(context.loop.steady_now(), age)) return;
  groups.reading = true;
  tasks.spawn(read_all_groups());
}

void Choices::Impl::note_made(const std::vector<Rotation>& rotations) {
  const auto now = context.loop.steady_now();
  for (const auto& rotation : rotations) {
    if (!has_group(*groups.value, rotation.group))
      made.try_emplace(rotation.group, rotation.handle, now + kGroupsAge + kMadeLonger);
  }
  std::erase_if(made, [&](const auto& item) { return has_group(*groups.value, item.first); });
}

std::vector<slack::UserGroup> Choices::Impl::known_groups() const {
  auto all = *groups.value;
  for (const auto& [id, group] : made) {
    const auto& [handle, until] = group;
    // Later it is one that Slack has no more.
    if (context.loop.steady_now() > until) continue;
    slack::UserGroup one;
    one.id = id;
    one.handle = one.name = handle;
    all.push_back(std::move(one));
  }
  return all;
}

net::Task<std::map<std::string, std::string>> Choices::Impl::warm_schedules() {
  std::map<std::string, std::string> kinds;
  const auto list = [](store::Store& store) { return store.connections().list(); };
  auto connections = co_await context.store.run(list);
  if (!connections) co_return kinds;
  for (const auto& connection : *connections) kinds.emplace(connection.name, connection.kind);
  std::erase_if(schedules, [&](const auto& item) { return !kinds.contains(item.first); });
  for (auto& connection : *connections) {
    auto& known = schedules[connection.name];
    if (!known.due(context.loop.steady_now(), kSchedulesAge)) continue;
    known.reading = true;
    tasks.spawn(read_schedules(std::move(connection)));
  }
  co_return kinds;
}

net::Task<void> Choices::Impl::warm_schedules_only() {
  (void)co_await warm_schedules();
}

template <class Done>
net::Task<void> Choices::Impl::wait_for(Done done, milliseconds patience) {
  const auto until = context.loop.now() + patience;
  while (!done() && context.loop.now() < until) co_await changed.wait_until(until);
}

net::Task<Result<slack::User>> Choices::Impl::roles_of(UserId user) {
  if (context.no_slack) co_return *context.no_slack;
  auto& known = people[user];
  if (known.due(context.loop.steady_now(), kRolesAge)) {
    known.reading = true;
    tasks.spawn(read_person(user));
  }
  const auto fresh = [&known, this] {
    return !known.reading || (known.value && context.loop.steady_now() - known.read_at < kRolesAge);
  };
  co_await wait_for(fresh, kRolePatience);
  const bool usable = known.value && context.loop.steady_now() - known.read_at < kLastKnown;
  if (usable) co_return *known.value;
  if (known.failure) co_return known.failure->in("who you are in Slack");
  co_return fail(ErrorKind::timeout, "Slack has not said yet who you are: try again");
}

Choices::Choices(Context& context) : impl_(std::make_unique<Impl>(context)) {}
Choices::~Choices() = default;

void Choices::warm() {
  impl_->warm_groups(kGroupsAgeAtOpening);
  impl_->tasks.spawn(impl_->warm_schedules_only());
}

net::Task<GroupSearch> Choices::search_groups(std::string text, std::size_t limit) {
  auto& memory = *impl_;
  memory.warm_groups();
  const auto settled = [&memory] { return memory.groups.settled(); };
  co_await memory.wait_for(settled, kPatience);
  GroupSearch search;
  search.failure = memory.groups.failure;
  if (!memory.groups.value) {
    if (!search.failure)
      search.failure = fail(ErrorKind::timeout, "Slack has not listed its user groups yet");
    co_return search;
  }
  std::map<GroupId, std::string> taken;
  const auto list = [](store::Store& store) { return store.rotations().list(); };
  if (auto rotations = co_await memory.context.store.run(list)) {
    memory.note_made(*rotations);
    for (auto& rotation : *rotations) taken.emplace(rotation.group, std::move(rotation.name));
  }
  const auto wanted = without_sigil(std::move(text), '@');
  for (const auto& group : memory.known_groups()) {
    if (!contains_folded(group.handle, wanted) && !contains_folded(group.name, wanted)) continue;
    GroupChoice choice{group.id, group.handle, group.name, group.members.size(), group.disabled};
    choice.unwritable = group.unwritable;
    if (const auto found = taken.find(group.id); found != taken.end()) choice.taken_by = found->second;
    search.groups.push_back(std::move(choice));
  }
  sort_found(search.groups, wanted, [](const GroupChoice& group) { return group.handle; });
  search.more = cut_found(search.groups, limit);
  co_return search;
}

net::Task<ScheduleSearch> Choices::search_schedules(std::string text, std::size_t limit) {
  auto& memory = *impl_;
  const auto kinds = co_await memory.warm_schedules();
  const auto settled = [&memory] {
    return std::all_of(memory.schedules.begin(), memory.schedules.end(),
                       [](const auto& item) { return item.second.settled(); });
  };
  co_await memory.wait_for(settled, kPatience);
  const auto wanted = fold_name(text);
  ScheduleSearch search;
  for (const auto& [name, kind] : kinds) {
    const auto known = memory.schedules.find(name);
    if (known == memory.schedules.end()) continue;
    ScheduleGroup group{name, kind, kind};
    if (auto adapter = providers::find_adapter(kind)) group.title = (*adapter)->title;
    group.failure = known->second.failure;
    if (!known->second.value && !group.failure)
      group.failure = fail(ErrorKind::timeout, "connection {} has not answered yet", name);
    for (const auto& info : known->second.value.value_or(Schedules{})) {
      if (contains_folded(info.name, wanted) || contains_folded(name + "/" + info.id, wanted))
        group.schedules.push_back(info);
    }
    sort_found(group.schedules, wanted, [](const providers::ScheduleInfo& info) { return info.name; });
    group.more = cut_found(group.schedules, limit);
    limit -= group.schedules.size();
    if (!group.schedules.empty() || group.more > 0 || group.failure)
      search.connections.push_back(std::move(group));
  }
  co_return search;
}

std::size_t ScheduleSearch::found() const {
  std::size_t all = 0;
  for (const auto& connection : connections) all += connection.schedules.size() + connection.more;
  return all;
}

std::optional<std::string> Choices::name_of(const ScheduleRef& schedule) const {
  const auto known = impl_->schedules.find(schedule.connection);
  if (known == impl_->schedules.end() || !known->second.value) return std::nullopt;
  for (const auto& info : *known->second.value) {
    if (info.id == schedule.id) return info.name;
  }
  return std::nullopt;
}

std::optional<std::string> Choices::name_of(const UserId& user) const {
  const auto known = impl_->people.find(user);
  if (known == impl_->people.end() || !known->second.value) return std::nullopt;
  return known->second.value->name;
}

net::Task<Result<std::vector<slack::UserGroup>>> Choices::groups(milliseconds age) {
  auto& memory = *impl_;
  if (memory.groups.due(memory.context.loop.steady_now(), age)) {
    memory.groups.reading = true;
    memory.tasks.spawn(memory.read_all_groups());
  }
  const auto fresh = [&memory, age] {
    return memory.groups.value && memory.context.loop.steady_now() - memory.groups.read_at < age;
  };
  while (!fresh() && memory.groups.reading) co_await memory.changed.wait();
  if (fresh()) co_return *memory.groups.value;
  co_return memory.groups.failure.value_or(fail(ErrorKind::timeout, "Slack's user groups were not read"));
}

net::Task<Result<Caller>> Choices::caller(UserId user) {
  auto& memory = *impl_;
  auto roles = co_await memory.roles_of(user);
  if (!roles) co_return roles.error();
  auto read = co_await net::within(memory.context.loop, groups(kMembershipAge), kRolePatience);
  SlackUser who{user, roles->admin, roles->guest || roles->deleted || roles->bot};
  const bool known =
      memory.groups.value && memory.context.loop.steady_now() - memory.groups.read_at < kLastKnown;
  // Whoever is an admin may act while groups cannot be listed: perhaps to mend that.
  if (!known && !roles->admin) {
    if (read && !*read) co_return read->error();
    co_return fail(ErrorKind::timeout, "Slack has not said yet in which groups you are: try again");
  }
  if (!known) co_return Caller{std::move(who), user.value};
  for (const auto& group : *memory.groups.value) {
    if (std::binary_search(group.members.begin(), group.members.end(), user)) who.groups.push_back(group.id);
  }
  co_return Caller{std::move(who), user.value};
}

}  // namespace watchbill::control
