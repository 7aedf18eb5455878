#include "config/config.hpp"

namespace watchbill::config {

ProviderSettings Config::provider(const std::string& kind) const {
  const auto found = providers.find(kind);
  return found == providers.end() ? ProviderSettings{} : found->second;
}

std::map<std::string, std::vector<std::string>> Config::allowed_hosts() const {
  std::map<std::string, std::vector<std::string>> hosts;
  for (const auto& [kind, settings] : providers) {
    if (!settings.allowed_hosts.empty()) hosts.emplace(kind, settings.allowed_hosts);
  }
  return hosts;
}

}  // namespace watchbill::config
