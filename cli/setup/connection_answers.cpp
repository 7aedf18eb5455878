#include "cli/setup/connection_answers.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "core/oncall/rotation.hpp"

namespace watchbill::cli {

namespace {

constexpr const char* kKeyOption = "api-key-file";

/// The way in which a key is given; of an adapter without one, its first that is no browser's.
const providers::CredentialWay* way_with_key(const providers::Adapter& adapter) {
  const providers::CredentialWay* other = nullptr;
  for (const auto& way : adapter.ways) {
    const auto is_key = [](const providers::CredentialField& field) { return field.flag == kKeyOption; };
    if (std::any_of(way.fields.begin(), way.fields.end(), is_key)) return &way;
    if (!way.in_browser() && other == nullptr) other = &way;
  }
  return other;
}

bool is_secret(const providers::Adapter& adapter, const std::string& flag) {
  return std::any_of(adapter.options.begin(), adapter.options.end(),
                     [&](const providers::Option& option) { return option.flag == flag && option.secret; });
}

/// One of the field's choices, the first unless the person says another.
std::string ask_choice(Questions& person, const providers::CredentialField& field) {
  std::string known;
  for (const auto& choice : field.choices) known += (known.empty() ? "" : " or ") + choice.value;
  while (true) {
    auto answer =
        fold_name(person.ask(fmt::format("  {} ({})", field.label, known), field.choices.front().value));
    for (const auto& choice : field.choices) {
      if (answer == choice.value || answer == fold_name(choice.label)) return choice.value;
    }
    person.say(fmt::format("  \"{}\" is none of them", answer));
  }
}

}  // namespace

Result<std::vector<std::string>> ask_credentials(Questions& person, const providers::Adapter& adapter,
                                                 PastedSecrets& pasted) {
  std::vector<std::string> options;
  const auto* way = way_with_key(adapter);
  if (way == nullptr) return options;
  for (const auto& field : way->fields) {
    std::string value;
    if (is_secret(adapter, field.flag)) {
      const auto secret =
          person.ask_secret(fmt::format("  {}: paste it, or write the path of its file", field.label));
      if (secret.empty()) return std::vector<std::string>{};
      struct stat is {};
      const bool file =
          secret.reveal().find('/') != std::string::npos && stat(secret.reveal().c_str(), &is) == 0;
      auto path = file ? Result<std::string>(secret.reveal()) : pasted.put(secret);
      if (!path) return path.error();
      value = *std::move(path);
    } else if (!field.choices.empty()) {
      value = ask_choice(person, field);
    } else {
      const auto& hint = field.placeholder.empty() ? field.hint : "like " + field.placeholder;
      value = person.ask(hint.empty() ? "  " + field.label : fmt::format("  {} ({})", field.label, hint));
    }
    if (!value.empty()) options.insert(options.end(), {"--" + field.flag, value});
  }
  return options;
}

}  // namespace watchbill::cli
