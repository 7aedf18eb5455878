#include "control/history.hpp"

#include <algorithm>
#include <map>

#include "control/duty.hpp"

namespace watchbill::control {

namespace {

/// `group` of an audit entry, as far as it is about a rotation.
GroupId group_of(const AuditEntry& audit) {
  for (const auto& text : {audit.after, audit.before}) {
    if (text.empty()) continue;
    const auto document = json::parse(text);
    if (document) return GroupId(document->root()["group"]["id"].string_or(""));
  }
  return {};
}

/// The schedules of an audit entry's rotation, by connection.
std::map<std::string, std::vector<std::string>> schedules_in(const std::string& settings) {
  std::map<std::string, std::vector<std::string>> found;
  const auto document = json::parse(settings.empty() ? "{}" : settings);
  if (!document) return found;
  for (const auto one : document->root()["schedules"].items()) {
    const auto ref = one["ref"].string_or("");
    found[ref.substr(0, ref.find('/'))].push_back(ref);
  }
  return found;
}

/// "moved from og/1 to ops/1" if the rotation left a connection for another one; else empty.
std::string moved_note(const AuditEntry& audit) {
  if (audit.action != "rotation.update") return {};
  const auto before = schedules_in(audit.before);
  const auto after = schedules_in(audit.after);
  const auto only_in = [](const auto& some, const auto& others) {
    std::vector<std::string> refs;
    for (const auto& [connection, schedules] : some) {
      const auto other = others.find(connection);
      for (const auto& ref : schedules) {
        const bool both = other != others.end() &&
                          std::find(other->second.begin(), other->second.end(), ref) != other->second.end();
        if (!both) refs.push_back(ref);
      }
    }
    return refs;
  };
  const bool left =
      std::any_of(before.begin(), before.end(), [&](const auto& one) { return !after.contains(one.first); });
  const auto from = only_in(before, after);
  const auto to = only_in(after, before);
  if (!left || from.empty() || to.empty()) return {};
  return fmt::format("moved from {} to {}", fmt::join(from, ", "), fmt::join(to, ", "));
}

/// A question whose rotation was looked for.
struct Asked {
  std::string rotation;
  store::HistoryFilter filter;

  /// A deleted rotation is found by the name it had.
  [[nodiscard]] bool wants(const std::string& name) const {
    return rotation.empty() || filter.rotation || fold_name(name) == fold_name(rotation);
  }
};

Result<void> add_changes(store::Store& store, const Asked& asked, std::vector<HistoryEntry>& entries) {
  auto changes = store.history().list(asked.filter);
  if (!changes) return changes.error();
  std::map<RotationId, std::vector<OutboxRow>> rows;
  for (auto& change : *changes) {
    if (!asked.wants(change.rotation_name)) continue;
    if (!rows.contains(change.rotation)) {
      auto sent = store.outbox().of_rotation(change.rotation, asked.filter.limit);
      if (!sent) return sent.error();
      rows[change.rotation] = *std::move(sent);
    }
    HistoryEntry entry{change.at,     change.rotation_name, change.group, std::string(name_of(change.cause)),
                       change.before, change.after,         change.by,    change.result,
                       change.note,   change.said};
    for (const auto& row : rows[change.rotation]) {
      if (row.change == change.id) entry.announcements.push_back(row);
    }
    entries.push_back(std::move(entry));
  }
  return {};
}

Result<void> add_audit(store::Store& store, const Asked& asked, std::vector<HistoryEntry>& entries) {
  auto audit = store.history().audit(asked.filter);
  if (!audit) return audit.error();
  for (auto& one : *audit) {
    const bool about_rotation = one.action.starts_with("rotation.");
    if (!asked.rotation.empty() && (!about_rotation || !asked.wants(one.object))) continue;
    HistoryEntry entry{one.at, about_rotation ? one.object : "", group_of(one),
                       std::string(name_of(Cause::config))};
    entry.by = one.actor;
    entry.result = "ok";
    entry.note = moved_note(one);
    entry.audit = std::move(one);
    entries.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Result<std::vector<HistoryEntry>> read_history(store::Store& store, const HistoryQuestion& question) {
  Asked asked{question.rotation, {std::nullopt, question.since, question.until, question.limit}};
  if (!question.rotation.empty()) {
    auto found = rotation_named(store, question.rotation);
    if (found) asked.filter.rotation = found->id;
    if (!found && found.error().kind != ErrorKind::not_found) return found.error();
  }
  std::vector<HistoryEntry> entries;
  if (auto added = add_changes(store, asked, entries); !added) return added.error();
  if (auto added = add_audit(store, asked, entries); !added) return added.error();
  if (entries.empty() && !asked.rotation.empty() && !asked.filter.rotation) {
    return fail(ErrorKind::not_found, "there is no rotation \"{}\", and history knows none of that name",
                asked.rotation);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const HistoryEntry& a, const HistoryEntry& b) { return a.at > b.at; });
  return entries;
}

}  // namespace watchbill::control
