#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

/// The door through which YAML of people comes in.
namespace watchbill::config {

/// The tree that is built takes more than a hundred times the bytes of its text.
constexpr std::size_t kLongestYaml = 1024 * 1024;

/// "NAME:LINE:COLUMN"; the name alone if the place is not known.
std::string place_of(const std::string& name, const YAML::Mark& mark);

/// The word that YAML took for a comment where a value was meant: "#payments" of `channels: #payments` and of
/// `- #payments`; empty if none stands there. `null` is where the empty value was found.
std::string commented_value(const std::string& text, const YAML::Mark& null);

/// What to write instead of such a word: "write \"#payments\" in quotes: …".
std::string quoting_advice(std::string_view word);

/// The document of a file named `name`; null if there is none. Refused are broken YAML, with what to write
/// instead where that can be told, several documents, and what is longer than `kLongestYaml` bytes.
/// (`YAML::LoadAll` never returns from some texts, such as
/// ",".)
Result<YAML::Node> read_yaml(const std::string& text, const std::string& name);

}  // namespace watchbill::config
