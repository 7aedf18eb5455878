#include "net/html.hpp"

#include "base/text.hpp"

namespace watchbill::net {

std::string html_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const auto control = layout_control_at(text, at); control > 0) {
      out += ' ';
      at += control - 1;
      continue;
    }
    switch (text[at]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += text[at];
    }
  }
  return out;
}

}  // namespace watchbill::net
