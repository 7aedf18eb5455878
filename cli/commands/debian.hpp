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

/// libevent, under the name that this release of Debian gives it.
struct Libevent {
  std::string_view package;
  std::string version;     ///< what is installed
  std::string_view fixed;  ///< the version with the fixes of Debian's security team
};
/// From the text of dpkg's list; nothing on a system whose packages we do not know.
std::optional<Libevent> installed_libevent(std::string_view dpkg_status);

}  // namespace watchbill::cli
