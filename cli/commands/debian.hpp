#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What Debian's package manager knows. Pure.
namespace watchbill::cli {

/// The version of an installed package, from the text of dpkg's list (/var/lib/dpkg/status); nothing if it is
/// not installed.
std::optional<std::string> installed_version(std::string_view dpkg_status, std::string_view package);

/// Is version `a` older than `b`? As dpkg orders them (deb-version(7)); neither has an epoch.
bool is_older(std::string_view a, std::string_view b);

}  // namespace watchbill::cli
