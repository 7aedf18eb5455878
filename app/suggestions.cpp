#include "app/suggestions.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "json/json.hpp"

namespace watchbill::app {

namespace {

constexpr std::size_t kMaxLabel = 75;
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
    w.begin_object().key("label").raw(plain(group.label, kMaxLabel).json).key("options").begin_array();
    for (const auto& option : group.options) w.raw(option.json);
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return w.take();
}

bool has(std::string_view text, const std::string& folded_query) {
  return folded_query.empty() || fold_name(text).find(folded_query) != std::string::npos;
}

/// At most as many as Slack takes; the label says if there are more.
Offered offered(std::string label, std::vector<Option> options) {
  if (options.size() > kMaxOptions) {
    // The label's end must not be cut away.
    label = fit(label, kMaxLabel - 40) +
            fmt::format(": {} of {}, type more of the name", kMaxOptions, options.size());
    options.erase(options.begin() + static_cast<std::ptrdiff_t>(kMaxOptions), options.end());
  }
  return {std::move(label), std::move(options)};
}

Option group_offer(const GroupOffer& group) {
  auto text = "@" + group.handle;
  if (!group.taken_by.empty()) {
    text += " (taken by " + group.taken_by + ")";
  } else if (group.unwritable) {
    text += " (kept by Slack)";
  } else if (group.disabled) {
    text += " (disabled)";
  }
  return option(text, group.id.value);
}

}  // namespace

std::string group_suggestions(const std::vector<GroupOffer>& groups, std::string_view query) {
  if (query.starts_with('@')) query.remove_prefix(1);
  const auto folded = fold_name(query);
  std::vector<const GroupOffer*> found;
  bool exact = false;
  for (const auto& group : groups) {
    exact = exact || group.handle == folded;
    if (has(group.handle, folded) || has(group.name, folded)) found.push_back(&group);
  }
  // Those that begin with what is typed come first.
  std::stable_sort(found.begin(), found.end(), [&](const GroupOffer* a, const GroupOffer* b) {
    const auto rank = [&](const GroupOffer* group) {
      return fold_name(group->handle).starts_with(folded) ? 0 : 1;
    };
    return rank(a) != rank(b) ? rank(a) < rank(b) : a->handle < b->handle;
  });
  std::vector<Option> free;
  std::vector<Option> taken;
  for (const auto* group : found) {
    (group->taken_by.empty() && !group->unwritable ? free : taken).push_back(group_offer(*group));
  }
  std::vector<Option> fresh;
  if (folded.empty()) {
    fresh.push_back(group_option({true, {}, ""}));
  } else if (const auto handle = check_handle(query); handle && !exact) {
    fresh.push_back(group_option({true, {}, *handle}));
  }
  return answer_of({offered("Groups", std::move(free)), offered("New", std::move(fresh)),
                    offered("Not free", std::move(taken))});
}

std::string schedule_suggestions(const std::vector<ScheduleOffers>& connections, std::string_view query) {
  const auto folded = fold_name(query);
  std::vector<Offered> groups;
  for (const auto& [connection, schedules] : connections) {
    std::vector<Option> options;
    for (const auto& schedule : schedules) {
      if (!has(schedule.name, folded) && !has(schedule.ref.id, folded)) continue;
      if (auto one = schedule_option(schedule)) options.push_back(*std::move(one));
    }
    groups.push_back(offered(connection, std::move(options)));
  }
  return answer_of(groups);
}

}  // namespace watchbill::app
