#include "slack_app/systems/connect_form.hpp"

#include <algorithm>

#include "base/enum_names.hpp"
#include "base/text.hpp"
#include "slack_app/rotations/rotation_form.hpp"

namespace watchbill::slack_app {

namespace {

constexpr NameTable<PagerDutyWay, 3> kWays{{{PagerDutyWay::browser, "browser"},
                                            {PagerDutyWay::app_token, "app_token"},
                                            {PagerDutyWay::api_key, "api_key"}}};
constexpr std::size_t kMaxConnectionName = 63;
constexpr std::size_t kMaxSecret = 1000;

/// One input of a form; its name is the option's flag on the command line.
struct ConnectField {
  const char* flag;
  bool secret;
  const char* label;
  const char* placeholder;
  const char* hint;
};

constexpr const char* kRegion = "region";
constexpr const char* kSecretHint = "It is tried at once, kept encrypted, and never shown again.";

std::vector<ConnectField> fields_of(const ConnectState& state) {
  if (state.kind == "xmatters") {
    return {{"host", false, "xMatters host", "acme.xmatters.com", "As in your browser's address bar."},
            {"api-key-file", true, "API key", "", kSecretHint},
            {"api-secret-file", true, "Secret of the API key", "", ""}};
  }
  if (state.kind == "opsgenie") {
    return {{"api-key-file", true, "API key", "", kSecretHint},
            {kRegion, false, "Where does the account live?", "", ""}};
  }
  switch (state.way) {
    case PagerDutyWay::browser:
      return {};
    case PagerDutyWay::app_token:
      return {{"client-id", false, "Client id of the scoped app", "", ""},
              {"client-secret-file", true, "Client secret", "", kSecretHint},
              {"subdomain", false, "Subdomain", "acme", "The \"acme\" of acme.pagerduty.com."},
              {kRegion, false, "Service region", "", ""}};
    case PagerDutyWay::api_key:
      return {{"api-key-file", true, "REST API key", "", kSecretHint},
              {kRegion, false, "Service region", "", ""}};
  }
  return {};
}

std::string title_of(const std::string& kind) {
  if (kind == "opsgenie") return "Opsgenie";
  return kind == "xmatters" ? "xMatters" : "PagerDuty";
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
      blocks_.push_back(section(mrkdwn(
          fmt::format("For *{}* ({}). The rotations that use it stay as they are.",
                      slack_name(model_.state.existing, kMaxConnectionName), title_of(model_.state.kind)))));
    }
    if (model_.state.kind == "pagerduty") ways();
    const auto fields = fields_of(model_.state);
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

  void ways() {
    const std::vector<Option> ways{option("In the browser", "browser", "you log in and allow it"),
                                   option("App token", "app_token", "client id and secret of a scoped app"),
                                   option("API key", "api_key", "a read-only REST API key is enough")};
    blocks_.push_back(section(mrkdwn("*How does PagerDuty let Watchbill in?*")));
    blocks_.push_back(actions(
        {radio_buttons(kFieldWay, ways, ways.at(static_cast<std::size_t>(model_.state.way)))}, "ways"));
  }

  void browser() {
    if (model_.browser_url.empty()) {
      blocks_.push_back(section(mrkdwn(model_.no_browser)));
      return;
    }
    const auto what =
        model_.state.existing.empty() ? "The connection will be called" : "This gives new tokens to";
    blocks_.push_back(section(
        mrkdwn(fmt::format(
            "{} *{}*. Log in to PagerDuty within ten minutes, in this browser; then come back here "
            "and confirm the account.",
            what, slack_name(model_.name, kMaxConnectionName))),
        button({kOpenBrowser, "Open PagerDuty", model_.ticket, Style::primary, model_.browser_url, {}}),
        "browser"));
  }

  void name() {
    errors_of(kFieldConnection);
    blocks_.push_back(
        input(field_id(kFieldConnection, model_.state.round),
              text_input({.action = kTyped, .initial = model_.name, .max_length = kMaxConnectionName}),
              {.label = "Name of the connection", .hint = "Lower case letters, digits and '-'."}));
  }

  void add(const ConnectField& field) {
    errors_of(field.flag);
    const auto id = field_id(field.flag, model_.state.round);
    const InputLook look{.label = field.label, .hint = field.hint};
    const auto known = model_.typed.find(field.flag);
    const auto typed = known == model_.typed.end() ? std::string() : known->second;
    if (std::string_view(field.flag) == kRegion) {
      const std::vector<Option> regions{option("US", "us"), option("EU", "eu")};
      blocks_.push_back(input(id, radio_buttons(kTyped, regions, regions.at(typed == "eu" ? 1 : 0)), look));
      return;
    }
    blocks_.push_back(input(id,
                            text_input({.action = kTyped,
                                        .initial = field.secret ? std::string() : typed,
                                        .placeholder = field.placeholder,
                                        .max_length = kMaxSecret}),
                            look));
  }

  const ConnectModel& model_;
  Blocks blocks_;
};

}  // namespace

std::string_view name_of(PagerDutyWay way) {
  return name_in(kWays, way);
}

std::string metadata_of(const ConnectState& state) {
  json::Writer w;
  w.begin_object().field("kind", state.kind).field("existing", state.existing);
  w.field("way", name_of(state.way)).field("round", state.round).end_object();
  return w.take();
}

std::optional<ConnectState> connect_state(const std::string& metadata) {
  const auto document = json::parse(metadata);
  if (!document || !document->root().is_object()) return std::nullopt;
  const auto root = document->root();
  ConnectState state;
  state.kind = root["kind"].string_or("");
  state.existing = root["existing"].string_or("");
  const auto way = value_in(kWays, "way", root["way"].string_or(""));
  if (!way || state.kind.empty()) return std::nullopt;
  state.way = *way;
  state.round = static_cast<int>(std::clamp<std::int64_t>(root["round"].integer_or(0), 0, 1'000'000));
  return state;
}

std::string connect_view(const ConnectModel& model) {
  const bool fresh = model.state.existing.empty();
  const bool inputs = !fields_of(model.state).empty();
  return modal_view(
      {.callback = kConnectForm,
       .title = fresh ? "Connect " + title_of(model.state.kind) : std::string("New credentials"),
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
    if (std::string_view(field.flag) == kRegion) {
      input.texts[field.flag] = value["selected_option"]["value"].string_or("us");
      continue;
    }
    auto typed = without_space(value["value"].string_or(""));
    if (typed.empty()) continue;
    if (field.secret) {
      input.secrets.emplace(field.flag, Secret(std::move(typed)));
    } else {
      input.texts[field.flag] = std::move(typed);
    }
  }
  return input;
}

}  // namespace watchbill::slack_app
