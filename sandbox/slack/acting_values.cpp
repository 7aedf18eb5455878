// What a person can choose or type into each kind of element.

#include <cmath>

#include "sandbox/slack/acting.hpp"

namespace watchbill::sandbox {
namespace {

/// The option of that value: the element's own, one that a search brought, or what it held at first.
json::View option_named(const Element& element, json::View offered, const std::string& value) {
  if (const auto own = option_with(element.json, value); own.exists()) return own;
  if (const auto found = option_with(offered, value); found.exists()) return found;
  if (const auto initial = element.json["initial_option"]; initial["value"].string_or("") == value)
    return initial;
  for (const auto initial : element.json["initial_options"].items()) {
    if (initial["value"].string_or("") == value) return initial;
  }
  return {};
}

std::string completed_option(json::View option) {
  // The text as Slack sends it, with its defaults.
  json::Writer w;
  w.begin_object();
  for (const auto member : option.items()) {
    const bool text = member.key() == "text" || member.key() == "description";
    w.key(member.key()).raw(text ? completed_text(member) : member.dump());
  }
  w.end_object();
  return w.take();
}

/// A person, channel or conversation that this person can choose.
Result<std::string> thing_named(Desk& desk, const std::string& type, const std::string& name,
                                const std::string& user) {
  if (type.find("users") != std::string::npos) {
    auto ids = slack_ids(desk.world, {name});
    if (!ids) return ids.error();
    return ids->front();
  }
  const auto* channel = channel_named(desk.world, name);
  const bool hidden =
      channel && (channel->is_private || channel->direct) && channel->members.count(user) == 0;
  if (!channel || hidden) return fail(ErrorKind::not_found, "there is no channel \"{}\" to choose", name);
  return channel->id;
}

struct ValueReader {
  Desk& desk;
  const Element& element;
  json::View offered;
  const std::string& user;

  [[nodiscard]] bool of_options() const {
    return value_field(element.type).find("option") != std::string_view::npos;
  }

  /// One choice as JSON.
  Result<std::string> choice(const std::string& name) const {
    if (of_options()) {
      const auto option = option_named(element, offered, name);
      if (!option.exists()) return fail(ErrorKind::not_found, "there is no option \"{}\"", name);
      return completed_option(option);
    }
    auto id = thing_named(desk, element.type, name, user);
    if (!id) return id.error();
    return "\"" + *id + "\"";
  }

  Result<std::string> several(Reader& in) const {
    std::vector<std::string> names;
    in.texts("values", names);
    const auto most = element.json["max_selected_items"].integer_or(1'000'000);
    if (static_cast<std::int64_t>(names.size()) > most) {
      return fail(ErrorKind::invalid, "at most {} can be chosen", most);
    }
    std::string list;
    for (const auto& name : names) {
      auto one = choice(name);
      if (!one) return one.error();
      list += (list.empty() ? "" : ",") + *one;
    }
    return "[" + list + "]";
  }

  Result<std::string> single(Reader& in) const {
    const auto value = in.at("value");
    if (!value.exists() || value.is_null() || value.string_or("-").empty()) return std::string("null");
    if (element.type == "datetimepicker") {
      auto number = value.integer();
      if (!number) return number.error();
      return std::to_string(*number);
    }
    auto text = value.string();
    if (!text) return text.error();
    const auto field = value_field(element.type);
    const bool chosen = field != "value" && field != "selected_date" && field != "selected_time";
    return chosen ? choice(*text) : Result<std::string>(value.dump());
  }
};

}  // namespace

Result<std::string> chosen_value(Desk& desk, Reader& in, const Element& element, const std::string& offered,
                                 const std::string& user) {
  const auto field = std::string(value_field(element.type));
  const auto options = json::parse(offered);
  const ValueReader reader{desk, element, options ? options->root() : json::View{}, user};
  // Both are known to the reader, whichever the element takes.
  in.at("value");
  in.at("values");
  json::Writer w;
  w.begin_object().field("type", element.type);
  if (element.type == "button") {
    if (const auto value = element.json["value"]; value.exists()) w.key("value").raw(value.dump());
  } else {
    const bool list = field.ends_with("s");
    if (in.has(list ? "value" : "values")) {
      return fail(ErrorKind::invalid, "a {} takes \"{}\"", element.type, list ? "values" : "value");
    }
    auto value = list ? reader.several(in) : reader.single(in);
    if (!value) return value.error();
    w.key(field).raw(*value);
    if (const auto zone = element.json["timezone"].text()) w.field("timezone", *zone);
  }
  w.end_object();
  return w.take();
}

}  // namespace watchbill::sandbox
