#pragma once

#include <string>
#include <string_view>

#include "net/http_server.hpp"

/// The few pages that a browser sees while a system is connected. Plain HTML: no script, nothing from
/// elsewhere.
namespace watchbill::slack_app {

struct BrowserPage {
  int status = 200;
  std::string title;
  std::string text;    ///< plain
  std::string form{};  ///< HTML of a form, made by us; may be empty
  /// Where its form may lead besides here; an origin, or empty.
  std::string form_target{};
};
/// With headers that keep the page to itself: no cache, no referrer, no frames.
net::ServerResponse page_response(const BrowserPage& page);

/// A form that posts `ticket` to `path`.
std::string ticket_form(std::string_view path, std::string_view ticket, std::string_view button);

}  // namespace watchbill::slack_app
