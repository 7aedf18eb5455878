#include "slack_app/systems/connect_form.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/secret_text.hpp"
#include "slack_app/rotations/rotation_form.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kMaxConnectionName = 63;
constexpr std::size_t kMaxSecret = 1000;

const std::vector<providers::CredentialField>& fields_of(const ConnectState& state) {
  static const std::vector<providers::CredentialField> none;
  const auto* way = way_in(state);
  return way ? way->fields : none;
}

bool is_secret(const ConnectState& state, const std::string& flag) {
  const auto adapter = providers::find_adapter(state.kind);
  return adapter && std::any_of((*adapter)->options.begin(), (*adapter)->options.end(),
                                [&](const auto& option) { return option.secret && option.flag == flag; });
}

json::View connect_value(const json::View& values, std::string_view flag) {
  for (const auto& block : values.items()) {
    if (field_of(std::string(block.key())) == flag) return block[kTyped];
  }
  return {};
}

std::string without_space(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

class ConnectBuilder {
 public:
  explicit ConnectBuilder(const ConnectModel& model) : model_(model) {}

  Blocks build() {
    errors_of("");
    if (!model_.state.existing.empty()) {
      blocks_.push_back(section(mrkdwn(fmt::format(
          "For *{}* ({}). The rotations that use it stay as they are.",
          slack_name(model_.state.existing, kMaxConnectionName), providers::title_of(model_.state.kind)))));
    }
    if (const auto adapter = providers::find_adapter(model_.state.kind); adapter) ways((*adapter)->ways);
    const auto& fields = fields_of(model_.state);
    if (fields.empty()) {
      browser();
    } else {
      if (model_.state.existing.empty()) name();
      for (const auto& field : fields) add(field);
    }
    return std::move(blocks_);
  }

 private:
  void errors_of(const std::string& field) {
    for (const auto& [where, text] : model_.errors) {
      if (where == field) blocks_.push_back(section(mrkdwn("\xE2\x9A\xA0\xEF\xB8\x8F " + text)));
    }
  }

  void ways(const std::vector<providers::CredentialWay>& known) {
    if (known.size() < 2) return;
    std::vector<Option> ways;
    std::size_t chosen = 0;
    for (const auto& way : known) {
      if (way.name == model_.state.way) chosen = ways.size();
      ways.push_back(option(way.label, way.name, way.description));
    }
    blocks_.push_back(section(
        mrkdwn(fmt::format("*How does {} let Watchbill in?*", providers::title_of(model_.state.kind)))));
    blocks_.push_back(actions({radio_buttons(kFieldWay, ways, ways.at(chosen))}, "ways"));
  }

  void browser() {
    if (model_.browser_url.empty()) {
      blocks_.push_back(section(mrkdwn(model_.no_browser)));
      return;
    }
    const auto title = providers::title_of(model_.state.kind);
    const auto what =
        model_.state.existing.empty() ? "The connection will be called" : "This gives new tokens to";
    blocks_.push_back(section(
        mrkdwn(fmt::format("{} *{}*. Log in to {} within ten minutes, in this browser; then come back here "
                           "and confirm the account.",
                           what, slack_name(model_.name, kMaxConnectionName), title)),
        button({kOpenBrowser, "Open " + title, model_.ticket, Style::primary, model_.browser_url, {}}),
        "browser"));
  }

  void name() {
    errors_of(kFieldConnection);
    blocks_.push_back(
        input(field_id(kFieldConnection, model_.state.round),
              text_input({.action = kTyped, .initial = model_.name, .max_length = kMaxConnectionName}),
              {.label = "Name of the connection", .hint = "Lower case letters, digits and '-'."}));
  }

  void add(const providers::CredentialField& field) {
    errors_of(field.flag);
    const auto id = field_id(field.flag, model_.state.round);
    const InputLook look{.label = field.label, .hint = field.hint};
    const auto known = model_.typed.find(field.flag);
    const auto typed = known == model_.typed.end() ? std::string() : known->second;
    if (!field.choices.empty()) {
      std::vector<Option> choices;
      std::size_t chosen = 0;
      for (const auto& choice : field.choices) {
        if (choice.value == typed) chosen = choices.size();
        choices.push_back(option(choice.label, choice.value));
      }
      blocks_.push_back(input(id, radio_buttons(kTyped, choices, choices.at(chosen)), look));
      return;
    }
    const bool secret = is_secret(model_.state, field.flag);
    blocks_.push_back(input(id,
                            text_input({.action = kTyped,
                                        .initial = secret ? std::string() : typed,
                                        .placeholder = field.placeholder,
                                        .max_length = kMaxSecret}),
                            look));
  }

  const ConnectModel& model_;
  Blocks blocks_;
};

}  // namespace

const providers::CredentialWay* way_in(const ConnectState& state) {
  const auto adapter = providers::find_adapter(state.kind);
  return adapter ? providers::find_way(**adapter, state.way) : nullptr;
}

std::string metadata_of(const ConnectState& state) {
  json::Writer w;
  w.begin_object().field("kind", state.kind).field("existing", state.existing);
  w.field("way", state.way).field("round", state.round).end_object();
  return w.take();
}

std::optional<ConnectState> connect_state(const std::string& metadata) {
  const auto document = json::parse(metadata);
  if (!document || !document->root().is_object()) return std::nullopt;
  const auto root = document->root();
  ConnectState state;
  state.kind = root["kind"].string_or("");
  state.existing = root["existing"].string_or("");
  state.way = root["way"].string_or("");
  if (!way_in(state)) return std::nullopt;
  state.round = static_cast<int>(std::clamp<std::int64_t>(root["round"].integer_or(0), 0, 1'000'000));
  return state;
}

std::string connect_view(const ConnectModel& model) {
  const bool fresh = model.state.existing.empty();
  const bool inputs = !fields_of(model.state).empty();
  return modal_view(
      {.callback = kConnectForm,
       .title = fresh ? "Connect " + providers::title_of(model.state.kind) : std::string("New credentials"),
       .submit = inputs ? (fresh ? "Connect" : "Save") : "",
       .close = inputs ? "Cancel" : "Close",
       .metadata = metadata_of(model.state)},
      ConnectBuilder(model).build());
}

ConnectInput typed_connection(json::View values, const ConnectState& state) {
  ConnectInput input;
  input.name = without_space(connect_value(values, kFieldConnection)["value"].string_or(""));
  for (const auto& field : fields_of(state)) {
    const auto value = connect_value(values, field.flag);
    if (!field.choices.empty()) {
      input.texts[field.flag] = value["selected_option"]["value"].string_or(field.choices.front().value);
      continue;
    }
    auto typed = without_space(value["value"].string_or(""));
    if (typed.empty()) continue;
    if (is_secret(state, field.flag)) {
      input.secrets.emplace(field.flag, Secret(config::pasted_secret(typed)));
    } else {
      input.texts[field.flag] = std::move(typed);
    }
  }
  return input;
}

}  // namespace watchbill::slack_app
