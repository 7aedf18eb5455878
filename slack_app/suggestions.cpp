#include "slack_app/suggestions.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kMaxOptionLabel = 75;
/// Answers stay small: nobody reads more.
constexpr std::size_t kMaxGroupsOfOptions = 20;

struct Offered {
  std::string label;
  std::vector<Option> options;
};

std::string answer_of(const std::vector<Offered>& groups) {
  json::Writer w;
  w.begin_object();
  const bool none =
      std::all_of(groups.begin(), groups.end(), [](const Offered& g) { return g.options.empty(); });
  if (none) {
    w.key("options").begin_array().end_array().end_object();
    return w.take();
  }
  w.key("option_groups").begin_array();
  std::size_t written = 0;
  for (const auto& group : groups) {
    if (group.options.empty() || written == kMaxGroupsOfOptions) continue;
    ++written;
    w.begin_object().key("label").raw(plain(group.label, kMaxOptionLabel).json).key("options").begin_array();
    for (const auto& option : group.options) w.raw(option.json);
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return w.take();
}

/// At most as many as Slack takes; the label says if there are more.
Offered offered(std::string label, std::vector<Option> options, std::size_t more) {
  if (options.size() > kMaxOptions) {
    more += options.size() - kMaxOptions;
    options.erase(options.begin() + static_cast<std::ptrdiff_t>(kMaxOptions), options.end());
  }
  if (more > 0) {
    // The label's end must not be cut away.
    label = fit(label, kMaxOptionLabel - 40) +
            fmt::format(": {} of {}, type more of the name", options.size(), options.size() + more);
  }
  return {std::move(label), std::move(options)};
}

Option group_offer(const control::GroupChoice& group, bool taken) {
  auto text = "@" + group.handle;
  if (taken) {
    text += " (taken by " + *group.taken_by + ")";
  } else if (group.unwritable) {
    text += " (not for rotations)";
  } else if (group.disabled) {
    text += " (disabled)";
  }
  return option(text, group.id.value);
}

}  // namespace

std::string group_suggestions(const control::GroupSearch& found, std::string_view query,
                              const std::string& editing) {
  if (query.starts_with('@')) query.remove_prefix(1);
  std::vector<Option> free;
  std::vector<Option> others;
  bool exact = false;
  for (const auto& group : found.groups) {
    exact = exact || group.handle == fold_name(query);
    const bool taken = group.taken_by && *group.taken_by != editing;
    (taken || group.unwritable ? others : free).push_back(group_offer(group, taken));
  }
  std::vector<Option> fresh;
  // What cannot be a handle is corrected in the form, which says what a handle is.
  if (!exact) fresh.push_back(group_option({true, {}, check_handle(query) ? std::string(query) : ""}));
  return answer_of(
      {offered("Groups", std::move(free), found.more),
       offered(found.failure && found.groups.empty() ? "New (Slack does not list its groups now)" : "New",
               std::move(fresh), 0),
       offered("Not free", std::move(others), 0)});
}

std::string schedule_suggestions(const control::ScheduleSearch& found) {
  std::vector<Offered> groups;
  for (const auto& connection : found.connections) {
    std::vector<Option> options;
    for (const auto& schedule : connection.schedules) {
      if (auto one = schedule_option({{connection.connection, schedule.id}, schedule.name}))
        options.push_back(*std::move(one));
    }
    // Choosing it chooses nothing: it only tells why the list is empty.
    if (options.empty() && connection.failure)
      options.push_back(
          option("Cannot be listed now: try again soon", "unlisted", connection.failure->message));
    groups.push_back(offered(connection.connection, std::move(options), connection.more));
  }
  return answer_of(groups);
}

}  // namespace watchbill::slack_app
