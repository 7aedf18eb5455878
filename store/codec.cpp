#include "store/codec.hpp"

#include <array>
#include <concepts>
#include <tuple>
#include <type_traits>

#include "base/enum_names.hpp"
#include "base/json.hpp"
#include "store/sqlite/database.hpp"

namespace watchbill::store {

namespace {

constexpr NameTable<Doubt::Kind, 3> kDoubtKinds{{
    {Doubt::Kind::empty, "empty"},
    {Doubt::Kind::lag, "lag"},
    {Doubt::Kind::flap, "flap"},
}};

template <class T, class Plain>
concept Either = std::same_as<std::remove_const_t<T>, Plain>;

// Each struct is described once, for writing (T is const) and reading. `must` names what has no default.

template <class V, Either<ScheduleRef> T>
void describe(V& v, T& ref) {
  v.must("connection", ref.connection);
  v.must("id", ref.id);
}

template <class V, Either<Responder> T>
void describe(V& v, T& responder) {
  v.must("connection", responder.connection);
  v.must("id", responder.id);
  v.may("name", responder.name);
  v.may("email", responder.email);
  v.may("deleted", responder.deleted);
}

/// A timeline as it is stored: the same few people hold many shifts, so each stands there once.
struct StoredShift {
  int who = 0;  ///< index in `responders`
  Instant start;
  Instant end;
  bool end_unknown = false;
};
struct StoredTimeline {
  std::vector<Responder> responders;
  std::vector<StoredShift> shifts;
  Instant known_from;
  Instant horizon;
  Instant confirmed_at = kAlways;
};

template <class V, Either<StoredShift> T>
void describe(V& v, T& shift) {
  v.must("who", shift.who);
  v.must("start", shift.start);
  v.must("end", shift.end);
  v.may("end_unknown", shift.end_unknown);
}

template <class V, Either<StoredTimeline> T>
void describe(V& v, T& timeline) {
  v.must("responders", timeline.responders);
  v.must("shifts", timeline.shifts);
  v.must("known_from", timeline.known_from);
  v.must("horizon", timeline.horizon);
  v.may("confirmed_at", timeline.confirmed_at);
}

StoredTimeline to_stored(const Timeline& timeline) {
  StoredTimeline stored{{}, {}, timeline.known_from, timeline.horizon, timeline.confirmed_at};
  stored.shifts.reserve(timeline.shifts.size());
  // All of a responder counts: `==` looks at the identity only.
  std::map<std::tuple<std::string, std::string, std::string, std::optional<std::string>, bool>, int> known;
  for (const auto& shift : timeline.shifts) {
    const Responder& who = shift.responder;
    const auto [entry, added] = known.try_emplace({who.connection, who.id, who.name, who.email, who.deleted},
                                                  static_cast<int>(stored.responders.size()));
    if (added) stored.responders.push_back(who);
    stored.shifts.push_back({entry->second, shift.start, shift.end, shift.end_unknown});
  }
  return stored;
}

Result<Timeline> from_stored(const StoredTimeline& stored) {
  Timeline timeline{{}, stored.known_from, stored.horizon, stored.confirmed_at};
  const std::vector<SharedResponder> responders(stored.responders.begin(), stored.responders.end());
  timeline.shifts.reserve(stored.shifts.size());
  for (const auto& shift : stored.shifts) {
    if (shift.who < 0 || static_cast<std::size_t>(shift.who) >= stored.responders.size()) {
      return fail(ErrorKind::unreadable, "$.shifts[{}].who: there is no responder {}", timeline.shifts.size(),
                  shift.who);
    }
    timeline.shifts.push_back(
        {responders[static_cast<std::size_t>(shift.who)], shift.start, shift.end, shift.end_unknown});
  }
  return timeline;
}

template <class V, Either<Doubt> T>
void describe(V& v, T& doubt) {
  v.must("kind", doubt.kind);
  v.must("since", doubt.since);
  v.must("last", doubt.last);
  v.must("answers", doubt.answers);
  v.may("mass", doubt.mass);
  v.may("people", doubt.people);
}

template <class V, Either<SuddenChange> T>
void describe(V& v, T& sudden_change) {
  v.must("at", sudden_change.at);
  v.must("before", sudden_change.before);
}

template <class V, Either<OnCallPerson> T>
void describe(V& v, T& person) {
  v.must("responder", person.responder);
  v.must("schedule", person.schedule);
  v.may("schedule_label", person.schedule_label);
  v.may("member", person.member);
  v.may("member_pending", person.member_pending);
  v.may("account", person.account);
  v.may("since", person.since);
  v.may("until", person.until);
  v.may("last_known", person.last_known);
}

template <class V, Either<NextPerson> T>
void describe(V& v, T& person) {
  v.must("name", person.name);
  v.may("member", person.member);
  v.must("from", person.from);
}

template <class V, Either<GroupTarget> T>
void describe(V& v, T& target) {
  v.must("disable", target.disable);
  v.must("members", target.members);
}

template <class V, Either<FormerGroup> T>
void describe(V& v, T& former) {
  v.must("members", former.members);
  v.must("disabled", former.disabled);
  v.must("at", former.at);
}

template <class V, Either<AnnouncementFacts> T>
void describe(V& v, T& facts) {
  v.must("rotation", facts.rotation);
  v.must("group", facts.group);
  v.may("handle", facts.handle);
  v.may("first", facts.first);
  v.must("at", facts.at);
  v.must("before", facts.before);
  v.must("after", facts.after);
  v.may("between", facts.between);
  v.may("interrupted", facts.interrupted);
  v.may("nobody_between", facts.nobody_between);
  v.may("next", facts.next);
  v.may("group_note", facts.group_note);
}

class Encoder {
 public:
  explicit Encoder(json::Writer& writer) : writer_(writer) {}

  template <class T>
  void must(std::string_view name, const T& value) {
    writer_.key(name);
    write(value);
  }
  template <class T>
  void may(std::string_view name, const T& value) {
    must(name, value);
  }

  void write(const std::string& value) { writer_.value(value); }
  void write(bool value) { writer_.value(value); }
  void write(int value) { writer_.value(value); }
  void write(Instant value) { writer_.value(std::int64_t{value.time_since_epoch().count()}); }
  void write(Doubt::Kind value) { writer_.value(name_in(kDoubtKinds, value)); }
  template <class Tag>
  void write(const Id<Tag>& value) {
    writer_.value(value.value);
  }
  template <class T>
  void write(const std::optional<T>& value) {
    if (value) {
      write(*value);
    } else {
      writer_.null();
    }
  }
  template <class T>
  void write(const std::vector<T>& values) {
    writer_.begin_array();
    for (const auto& value : values) write(value);
    writer_.end_array();
  }
  void write(const std::map<std::string, std::string>& values) {
    writer_.begin_object();
    for (const auto& [name, value] : values) writer_.field(name, value);
    writer_.end_object();
  }
  template <class T>
  requires requires(Encoder& encoder, const T& value) { describe(encoder, value); }
  void write(const T& value) {
    writer_.begin_object();
    describe(*this, value);
    writer_.end_object();
  }

 private:
  json::Writer& writer_;
};

/// Reads the members of one object; the first failure stays.
class Decoder {
 public:
  explicit Decoder(json::View view) : view_(view) {
    if (auto object = view.object(); !object) failure_ = object.error();
  }

  template <class T>
  void must(std::string_view name, T& out) {
    if (!failure_) note(read(view_[name], out));
  }
  template <class T>
  void may(std::string_view name, T& out) {
    if (!failure_ && !view_[name].is_null()) note(read(view_[name], out));
  }
  [[nodiscard]] Result<void> result() const { return failure_ ? Result<void>(*failure_) : Result<void>(); }

  static Result<void> read(json::View view, std::string& out) { return take(view.string(), out); }
  static Result<void> read(json::View view, bool& out) { return take(view.boolean(), out); }
  static Result<void> read(json::View view, int& out) {
    std::int64_t wide = 0;
    if (auto done = take(view.integer(), wide); !done) return done;
    out = static_cast<int>(wide);
    if (out != wide) return fail(ErrorKind::unreadable, "{}: the number {} is too large", view.path(), wide);
    return {};
  }
  static Result<void> read(json::View view, Instant& out) {
    std::int64_t count = 0;
    if (auto done = take(view.integer(), count); !done) return done;
    out = stored_moment(count);
    return {};
  }
  static Result<void> read(json::View view, Doubt::Kind& out) {
    std::string name;
    if (auto done = read(view, name); !done) return done;
    auto kind = value_in(kDoubtKinds, "doubt", name);
    if (!kind) return kind.error().in("{}", view.path());
    out = *kind;
    return {};
  }
  template <class Tag>
  static Result<void> read(json::View view, Id<Tag>& out) {
    return read(view, out.value);
  }
  template <class T>
  static Result<void> read(json::View view, std::optional<T>& out) {
    out.reset();
    return view.is_null() ? Result<void>() : read(view, out.emplace());
  }
  template <class T>
  static Result<void> read(json::View view, std::vector<T>& out) {
    auto items = view.array();
    if (!items) return items.error();
    out.clear();
    out.reserve(items->size());
    for (const auto item : *items) {
      if (auto done = read(item, out.emplace_back()); !done) return done;
    }
    return {};
  }
  static Result<void> read(json::View view, std::map<std::string, std::string>& out) {
    if (auto object = view.object(); !object) return object.error();
    out.clear();
    for (const auto item : view.items()) {
      if (auto done = read(item, out[std::string(item.key())]); !done) return done;
    }
    return {};
  }
  template <class T>
  requires requires(Decoder& decoder, T& value) { describe(decoder, value); }
  static Result<void> read(json::View view, T& out) {
    Decoder fields(view);
    describe(fields, out);
    return fields.result();
  }

 private:
  template <class T>
  static Result<void> take(Result<T> value, T& out) {
    if (!value) return value.error();
    out = std::move(*value);
    return {};
  }
  void note(const Result<void>& done) {
    if (!done) failure_ = done.error();
  }

  json::View view_;
  std::optional<Error> failure_;
};

}  // namespace

template <class T>
std::string encode(const T& value) {
  json::Writer writer;
  Encoder(writer).write(value);
  return writer.take();
}

template <class T>
Result<T> decode(std::string_view json) {
  auto document = json::parse(json);
  if (!document) return document.error();
  T value{};
  if (auto done = Decoder::read(document->root(), value); !done) return done.error();
  return value;
}

template <>
std::string encode(const Timeline& timeline) {
  return encode(to_stored(timeline));
}

template <>
Result<Timeline> decode(std::string_view json) {
  auto stored = decode<StoredTimeline>(json);
  if (!stored) return stored.error();
  return from_stored(*stored);
}

#define WATCHBILL_STORE_CODEC(...)                              \
  template std::string encode<__VA_ARGS__>(const __VA_ARGS__&); \
  template Result<__VA_ARGS__> decode<__VA_ARGS__>(std::string_view);
WATCHBILL_STORE_CODEC(std::vector<OnCallPerson>)
WATCHBILL_STORE_CODEC(std::vector<NextPerson>)
WATCHBILL_STORE_CODEC(std::vector<Responder>)
WATCHBILL_STORE_CODEC(std::vector<UserId>)
WATCHBILL_STORE_CODEC(std::vector<ScheduleRef>)
WATCHBILL_STORE_CODEC(std::vector<std::string>)
WATCHBILL_STORE_CODEC(Doubt)
WATCHBILL_STORE_CODEC(SuddenChange)
WATCHBILL_STORE_CODEC(GroupTarget)
WATCHBILL_STORE_CODEC(FormerGroup)
WATCHBILL_STORE_CODEC(AnnouncementFacts)
WATCHBILL_STORE_CODEC(std::map<std::string, std::string>)
#undef WATCHBILL_STORE_CODEC

namespace {

void write_schedules(json::Writer& writer, const Rotation& rotation) {
  writer.key("schedules").begin_array();
  for (const auto& schedule : rotation.schedules) {
    writer.begin_object().field("ref", to_string(schedule.ref));
    writer.field("label", schedule.label).field("required", schedule.required).end_object();
  }
  writer.end_array();
}

void write_announce(json::Writer& writer, const Announce& announce) {
  writer.key("announce").begin_object().field("enabled", announce.enabled);
  writer.field("template", announce.text_template).field("mention", name_of(announce.mention));
  writer.field("max_age", fmt::format("{}ms", announce.max_age.count())).end_object();
}

}  // namespace

std::string audit_json(const Rotation& rotation) {
  json::Writer writer;
  writer.begin_object().field("name", rotation.name);
  writer.key("group").begin_object().field("id", rotation.group.value);
  writer.field("handle", rotation.handle).end_object();
  write_schedules(writer, rotation);
  writer.field("mode", name_of(rotation.mode)).field("membership", name_of(rotation.membership));
  writer.field("drift", name_of(rotation.drift)).field("paused", rotation.paused);
  writer.field("channels", texts(rotation.channels));
  writer.field("permanent_members", texts(rotation.permanent_members));
  writer.field("empty", name_of(rotation.empty));
  writer.field("fallback_members", texts(rotation.fallback_members));
  writer.field("empty_alert", rotation.alerts_when_empty());
  write_announce(writer, rotation.announce);
  writer.field("owners", rotation.owners);
  writer.key("alert_channel");
  if (rotation.alert_channel) {
    writer.value(rotation.alert_channel->value);
  } else {
    writer.null();
  }
  writer.field("managed_by", rotation.managed_by).end_object();
  return writer.take();
}

std::string audit_json(const Connection& connection, const std::vector<std::string>& changed) {
  std::vector<std::string> names;
  for (const auto& [name, secret] : connection.secrets) names.push_back(name);
  json::Writer writer;
  writer.begin_object().field("name", connection.name).field("kind", connection.kind);
  writer.key("settings").raw(encode(connection.settings));
  writer.field("secrets", names);
  if (!changed.empty()) writer.field("changed_secrets", changed);
  writer.end_object();
  return writer.take();
}

}  // namespace watchbill::store
