#include "slack_app/systems/browser_page.hpp"

#include <fmt/format.h>

#include "net/html.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::string_view kStyle =
    "body{font:17px/1.5 system-ui,sans-serif;max-width:34em;margin:12vh auto;padding:0 1.2em;color:#1d1c1d;"
    "background:#fff}h1{font-size:1.4em}button{font:inherit;padding:.55em 1.2em;border:0;border-radius:.4em;"
    "background:#1264a3;color:#fff;cursor:pointer}p{margin:1em 0}"
    "@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#1a1d21}}";

}  // namespace

std::string ticket_form(std::string_view path, std::string_view ticket, std::string_view button) {
  return fmt::format(
      "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"ticket\" "
      "value=\"{}\"><button>{}</button></form>",
      net::html_text(path), net::html_text(ticket), net::html_text(button));
}

net::ServerResponse page_response(const BrowserPage& page) {
  const auto target = page.form_target.empty() ? std::string() : " " + page.form_target;
  net::ServerResponse response;
  response.status = page.status;
  response.headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors "
                       "'none'; form-action 'self'" +
                           target}};
  response.body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0} - "
      "Watchbill</title><style>{1}</style></head><body><h1>{0}</h1><p>{2}</p>{3}"
      "</body></html>\n",
      net::html_text(page.title), kStyle, net::html_text(page.text), page.form);
  return response;
}

}  // namespace watchbill::slack_app
