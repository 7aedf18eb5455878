#include "sandbox/page.hpp"

#include "sandbox/page_assets.hpp"

namespace watchbill::sandbox {

const PageAsset* page_asset(std::string_view path) {
  if (path == "/") path = "/index.html";
  for (const auto& asset : embedded_page_assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

net::Headers page_headers(std::string_view type) {
  return {
      {"Content-Type", std::string(type)},
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-store"}};
}

}  // namespace watchbill::sandbox
