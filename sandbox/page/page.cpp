#include "sandbox/page/page.hpp"

#include "sandbox/page/assets.hpp"

namespace watchbill::sandbox {

const PageAsset* page_picture(std::string_view path) {
  for (const auto& asset : embedded_page_assets()) {
    if (asset.path == path && asset.type.starts_with("image/")) return &asset;
  }
  return nullptr;
}

net::Headers page_headers(std::string_view type, std::string_view policy) {
  return {{"Content-Type", std::string(type)},
          {"Content-Security-Policy", std::string(policy)},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Cache-Control", "no-store"}};
}

}  // namespace watchbill::sandbox
