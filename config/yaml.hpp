#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "base/result.hpp"

/// The door through which YAML of people comes in.
namespace watchbill::config {

/// The tree that is built takes more than a hundred times the bytes of its text.
constexpr std::size_t kLongestYaml = 1024 * 1024;

/// "NAME:LINE:COLUMN"; the name alone if the place is not known.
std::string place_of(const std::string& name, const YAML::Mark& mark);

/// The document of a file named `name`; null if there is none. Refused are broken YAML, several documents,
/// and what is longer than `kLongestYaml` bytes. (`YAML::LoadAll` never returns from some texts, such as
/// ",".)
Result<YAML::Node> read_yaml(const std::string& text, const std::string& name);

}  // namespace watchbill::config
