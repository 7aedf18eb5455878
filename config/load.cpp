#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/yaml.hpp"
#include "net/http.hpp"

namespace watchbill::config {

namespace {

/// The folder we run in; "/" if it is gone.
std::filesystem::path working_folder() {
  std::error_code failed;
  auto folder = std::filesystem::current_path(failed);
  return failed ? std::filesystem::path("/") : folder;
}

/// Fills a Config and remembers all that is wrong on the way, and where each value came from.
class Loader {
 public:
  void set(const Key& key, const Value& value, const std::string& place) {
    places_[std::string(key.path)] = place;
    if (auto good = key.set(config_, value); !good) complain(place, key.path, good.error().message);
  }

  /// A value that is text by nature: "null" is none, a list is separated by commas.
  void set_from_text(const Key& key, const std::string& text, const std::string& place) {
    Value value{Value::Kind::text, text, {}, working_folder()};
    if (key.list) {
      value = {Value::Kind::list, {}, {}, {}};
      std::istringstream parts(text);
      for (std::string part; std::getline(parts, part, ',');) value.items.push_back(part);
    } else if (text.empty() || text == "null") {
      value = {};
    }
    set(key, value, place);
  }

  void complain(const std::string& place, std::string_view key, std::string_view what) {
    errors_ += fmt::format("{}{}: {}: {}", errors_.empty() ? "" : "\n", place, one_line(key), one_line(what));
  }

  void read_file(const std::string& path, const std::string& content);
  void check_together();

  Result<Config> finish() {
    check_together();
    if (!errors_.empty()) return Error{ErrorKind::invalid, errors_};
    return std::move(config_);
  }

 private:
  void read_section(const std::string& path, const YAML::Node& section, const std::string& prefix);
  void read_entry(const std::string& path, const YAML::Node& name, const YAML::Node& node,
                  const std::string& prefix);
  void complain_unknown(const std::string& place, const std::string& key, const std::string& prefix);

  Config config_;
  std::string content_;  ///< of the file
  std::map<std::string, std::string> places_;
  std::string errors_;
};

/// `file` is the configuration file: its relative paths start beside it.
Value value_of(const YAML::Node& node, const std::string& file) {
  if (node.IsNull()) return {};
  if (node.IsScalar()) {
    return {
        Value::Kind::text, node.Scalar(), {}, working_folder() / std::filesystem::path(file).parent_path()};
  }
  if (node.IsMap()) return {Value::Kind::section, {}, {}, {}};
  Value value{Value::Kind::list, {}, {}, {}};
  for (const auto& item : node) {
    // What is no text in a list is refused as one that is empty.
    value.items.push_back(item.IsScalar() ? item.Scalar() : std::string{});
  }
  return value;
}

bool is_section(const std::string& key) {
  for (const auto& known : keys()) {
    if (known.path.starts_with(key + ".")) return true;
  }
  return false;
}

void Loader::complain_unknown(const std::string& place, const std::string& key, const std::string& prefix) {
  std::set<std::string> siblings;
  for (const auto& known : keys()) {
    if (!known.path.starts_with(prefix)) continue;
    const auto rest = known.path.substr(prefix.size());
    siblings.emplace(rest.substr(0, rest.find('.')));
  }
  const std::vector<std::string_view> names(siblings.begin(), siblings.end());
  const auto longer = [&](std::string_view name) { return !key.empty() && name.starts_with(key + "_"); };
  const auto begun = std::find_if(names.begin(), names.end(), longer);
  const auto guess = begun == names.end() ? closest(key, names) : *begun;
  complain(place, prefix + std::string(utf8_prefix(key, 60)),
           guess.empty() ? fmt::format("unknown key; known here: {}", fmt::join(names, ", "))
                         : fmt::format("unknown key; did you mean \"{}\"?", guess));
}

void Loader::read_entry(const std::string& path, const YAML::Node& name, const YAML::Node& node,
                        const std::string& prefix) {
  const auto key = prefix + name.Scalar();
  const auto place = place_of(path, name.Mark());
  const auto lost = node.IsNull() ? commented_value(content_, name.Mark()) : std::string();
  if (!lost.empty()) {
    complain(place, key, quoting_advice(lost));
  } else if (const auto* known = find_key(key)) {
    set(*known, value_of(node, path), node.IsNull() ? place : place_of(path, node.Mark()));
  } else if (!is_section(key)) {
    complain_unknown(place, name.Scalar(), prefix);
  } else if (node.IsMap()) {
    read_section(path, node, key + ".");
  } else if (!node.IsNull()) {
    complain(place, key, "must be a section with keys of its own");
  }
}

void Loader::read_section(const std::string& path, const YAML::Node& section, const std::string& prefix) {
  std::set<std::string> seen;
  for (const auto& entry : section) {
    if (!entry.first.IsScalar()) {
      complain(place_of(path, entry.first.Mark()), prefix.empty() ? "file" : prefix, "a key must be a word");
    } else if (!seen.insert(entry.first.Scalar()).second) {
      complain(place_of(path, entry.first.Mark()), prefix + entry.first.Scalar(), "stands there twice");
    } else {
      read_entry(path, entry.first, entry.second, prefix);
    }
  }
}

/// Where the first line is that is neither empty nor a comment; nothing in a file without settings. YAML
/// reads nothing out of a lone "%", a tab or the mark of UTF-16, and finds no fault with them.
std::optional<std::size_t> first_written_line(const std::string& content) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";  // of UTF-8
  std::size_t number = 0;
  std::istringstream lines(content.starts_with(mark) ? content.substr(mark.size()) : content);
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto first = line.find_first_not_of(" \r");
    const bool empty = first == std::string::npos || line[first] == '#' || line == "---" || line == "...";
    if (!empty) return number;
  }
  return std::nullopt;
}

void Loader::read_file(const std::string& path, const std::string& content) {
  content_ = content;
  const auto document = read_yaml(content, path);
  if (!document) {
    errors_ = document.error().message;
  } else if (document->IsMap()) {
    read_section(path, *document, "");
  } else if (const auto line = first_written_line(content); !document->IsNull() || line) {
    errors_ = fmt::format("{}: must consist of \"key: value\" lines",
                          line ? fmt::format("{}:{}", path, *line) : path);
  }
}

/// The rules that concern several keys.
void Loader::check_together() {
  const auto& slack = config_.slack;
  const auto url = net::parse_url(slack.api_url);
  if (slack.rate_scale != 1 && url && !url->loopback()) {
    complain(places_["slack.rate_scale"], "slack.rate_scale",
             "other than 1 is accepted only with a loopback slack.api_url (for tests)");
  }
}

/// The file's text; nothing if it may be missing and is.
Result<std::optional<std::string>> read_text_file(const std::string& path, bool must_exist) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const auto why = errno;
    if (why == ENOENT && !must_exist) return std::optional<std::string>{};
    return fail(why == ENOENT ? ErrorKind::not_found : ErrorKind::invalid, "{}: {}", path,
                std::strerror(why));
  }
  std::string content(kLongestYaml + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail(ErrorKind::invalid, "{}: {}", path, std::strerror(errno));
  if (content.size() > kLongestYaml)
    return fail(ErrorKind::invalid, "{}: is longer than {} bytes", path, kLongestYaml);
  return std::optional(std::move(content));
}

/// What root may read, and the store's owner may not: both programs become that owner when they open it.
void hold_secrets(Config& config) {
  auto& slack = config.slack;
  for (auto* source : {&slack.bot_token, &slack.app_token, &slack.signing_secret, &slack.user_token,
                       &config.alert_webhook_url, &config.heartbeat_url})
    hold_secret(*source);
  for (auto& [kind, settings] : config.providers) {
    if (!settings.oauth_client_secret.key.empty()) hold_secret(settings.oauth_client_secret);
  }
}

std::optional<std::string> own_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

Result<Config> load(const Sources& sources) {
  const auto variable = sources.environment ? sources.environment : own_environment;
  const auto named = sources.file ? sources.file : variable("WATCHBILL_CONFIG");
  const auto path = named.value_or(kDefaultFile);
  if (auto good = check_path_text(path); !good)
    return fail(ErrorKind::invalid, "configuration: \"{}\" {}", one_line(path), good.error().message);
  const auto content = read_text_file(path, named.has_value());
  if (!content) return content.error().in("configuration");
  Loader loader;
  if (*content) loader.read_file(path, **content);
  for (const auto& key : keys()) {
    const auto name = variable_of(key);
    if (const auto value = variable(name)) loader.set_from_text(key, *value, name);
  }
  for (const auto& [path_of_key, text] : sources.flags) {
    if (const auto* key = find_key(path_of_key)) {
      loader.set_from_text(*key, text, "--" + flag_of(*key));
    } else {
      loader.complain("flag", path_of_key, "unknown key");
    }
  }
  auto config = loader.finish();
  if (config && ::geteuid() == 0) hold_secrets(*config);
  return config;
}

}  // namespace watchbill::config
