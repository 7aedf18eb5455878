#include "cli/commands/apply_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "control/rotation_json.hpp"

namespace watchbill::cli {

namespace {

/// The stored rotation with the written fields; what was not written has its default, but for what the file
/// need not say: whether it is paused, and who manages it.
Rotation merged(const WrittenRotation& written, const Rotation& stored) {
  Rotation out = written.rotation;
  out.id = stored.id;
  if (!written.keys.contains("paused")) out.paused = stored.paused;
  if (!written.keys.contains("managed_by")) out.managed_by = stored.managed_by;
  // The group's handle is Slack's matter: it may have been renamed since.
  if (out.group == stored.group || (out.group.empty() && fold_name(out.handle) == fold_name(stored.handle))) {
    out.group = stored.group;
    out.handle = stored.handle;
  }
  // Whether the alert is the default or the same thing written out makes no difference.
  if (out.alerts_when_empty() == stored.alerts_when_empty()) out.empty_alert = stored.empty_alert;
  return out;
}

const Rotation* by_group(const std::vector<Rotation>& stored, const Rotation& wanted) {
  const auto found = std::find_if(stored.begin(), stored.end(), [&](const Rotation& one) {
    return wanted.group.empty() ? fold_name(one.handle) == fold_name(wanted.handle)
                                : one.group == wanted.group;
  });
  return found == stored.end() ? nullptr : &*found;
}

const Rotation* by_name(const std::vector<Rotation>& stored, const std::string& name) {
  const auto found = std::find_if(stored.begin(), stored.end(), [&](const Rotation& one) {
    return fold_name(one.name) == fold_name(name);
  });
  return found == stored.end() ? nullptr : &*found;
}

Result<void> refuse_repeats(const std::vector<WrittenRotation>& written) {
  std::map<std::string, std::string> names;
  std::map<std::string, std::string> groups;
  for (const auto& one : written) {
    const auto& r = one.rotation;
    const auto [name, new_name] = names.emplace(fold_name(r.name), one.place);
    if (!new_name)
      return fail(ErrorKind::invalid, "{}: name: \"{}\" stands at {} already", one.place, r.name,
                  name->second);
    const auto key = r.group.empty() ? "@" + fold_name(r.handle) : r.group.value;
    const auto [group, new_group] = groups.emplace(key, one.place);
    if (!new_group)
      return fail(ErrorKind::invalid,
                  "{}: group: {} stands at {} already, and a group belongs to one rotation", one.place, key,
                  group->second);
  }
  return {};
}

std::string group_text(const Rotation& r) {
  return r.group.empty() ? "@" + r.handle : fmt::format("@{} ({})", r.handle, r.group);
}

std::string notes_of(const ApplyPlan& plan, const control::RotationDraft& wanted) {
  std::string notes;
  if (wanted.create_group) notes += ", creates the group";
  if (wanted.enable_group) notes += ", enables the group";
  if (wanted.adoption) {
    const bool first = wanted.adoption->kind == Takeover::first;
    notes += first ? ", takes the group over" : ", takes members out of the group";
  }
  if (!wanted.before && plan.batch.quiet) notes += ", without an announcement";
  return notes;
}

void write_change(json::Writer& w, std::string_view action, const Rotation& r) {
  w.begin_object().field("action", action).field("name", r.name).key("group").begin_object();
  w.key("id");
  if (r.group.empty()) {
    w.null();
  } else {
    w.value(r.group.value);
  }
  w.field("handle", r.handle).end_object();
}

}  // namespace

Result<std::vector<control::RotationDraft>> match(const std::vector<WrittenRotation>& written,
                                                  const std::vector<Rotation>& stored) {
  if (auto good = refuse_repeats(written); !good) return good.error();
  std::vector<const Rotation*> pairs(written.size(), nullptr);
  std::set<RotationId> used;
  for (std::size_t i = 0; i < written.size(); ++i) {
    pairs[i] = by_group(stored, written[i].rotation);
    if (pairs[i] && !used.insert(pairs[i]->id).second) {
      return fail(ErrorKind::conflict, "{}: group: it is the group of another rotation of this file too",
                  written[i].place);
    }
  }
  std::vector<control::RotationDraft> out;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (!pairs[i]) {
      pairs[i] = by_name(stored, written[i].rotation.name);
      // The rotation of that name has its own entry here, by its group: this one is new.
      if (pairs[i] && !used.insert(pairs[i]->id).second) pairs[i] = nullptr;
    }
    control::RotationDraft wanted;
    wanted.place = written[i].place;
    wanted.rotation = pairs[i] ? merged(written[i], *pairs[i]) : written[i].rotation;
    if (pairs[i]) wanted.before = *pairs[i];
    out.push_back(std::move(wanted));
  }
  return out;
}

std::string plan_text(const ApplyPlan& plan, bool dry_run) {
  std::string out;
  for (const auto& wanted : plan.batch.wanted) {
    out += fmt::format("{} \"{}\" {}{}\n", wanted.before ? "change" : "create", wanted.rotation.name,
                       group_text(wanted.rotation), notes_of(plan, wanted));
    if (!wanted.before) continue;
    for (const auto& [field, before, after] : control::compare(*wanted.before, wanted.rotation))
      out += fmt::format("  {}: {} -> {}\n", field, before, after);
  }
  for (const auto& rotation : plan.batch.deleted)
    out += fmt::format("delete \"{}\" {}\n", rotation.name, group_text(rotation));
  for (const auto& rotation : plan.others) {
    out += fmt::format("keep   \"{}\" {}: {} manages it\n", rotation.name, group_text(rotation),
                       rotation.managed_by);
  }
  const auto created = static_cast<std::size_t>(
      std::count_if(plan.batch.wanted.begin(), plan.batch.wanted.end(),
                    [](const control::RotationDraft& wanted) { return !wanted.before; }));
  out += fmt::format("{} to create, {} to change, {} to delete, {} unchanged{}\n", created,
                     plan.batch.wanted.size() - created, plan.batch.deleted.size(), plan.unchanged.size(),
                     dry_run ? " (nothing was written)" : "");
  return out;
}

std::string confirm_question(std::size_t adopted, std::size_t deleted) {
  const auto part = [](std::string_view verb, std::size_t count, std::string_view what) {
    return count == 0 ? std::string() : fmt::format("{} {} {}{}", verb, count, what, count == 1 ? "" : "s");
  };
  auto question = part("take over", adopted, "group");
  if (adopted > 0 && deleted > 0) question += " and ";
  question += part("delete", deleted, "rotation") + "?";
  question.front() = adopted > 0 ? 'T' : 'D';
  return question;
}

std::string plan_json(const ApplyPlan& plan, bool dry_run) {
  json::Writer w;
  w.begin_object().field("dry_run", dry_run).key("changes").begin_array();
  for (const auto& wanted : plan.batch.wanted) {
    write_change(w, wanted.before ? "change" : "create", wanted.rotation);
    w.key("fields").begin_array();
    if (wanted.before) {
      for (const auto& [field, before, after] : control::compare(*wanted.before, wanted.rotation)) {
        w.begin_object().field("field", field).field("before", before).field("after", after).end_object();
      }
    }
    w.end_array().field("creates_group", wanted.create_group).field("enables_group", wanted.enable_group);
    w.key("adopts");
    if (wanted.adoption) {
      w.begin_object().field("goes", texts(wanted.adoption->change.goes));
      w.field("comes", texts(wanted.adoption->change.comes)).end_object();
    } else {
      w.null();
    }
    w.field("quiet", !wanted.before && plan.batch.quiet).end_object();
  }
  for (const auto& rotation : plan.batch.deleted) {
    write_change(w, "delete", rotation);
    w.end_object();
  }
  for (const auto& rotation : plan.unchanged) {
    write_change(w, "unchanged", rotation);
    w.end_object();
  }
  w.end_array().end_object();
  return w.take();
}

}  // namespace watchbill::cli
