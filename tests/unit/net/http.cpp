#include "net/http.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::net;

TEST_CASE("headers are found regardless of case, the first of a name") {
  const Headers headers{{"Content-Type", "text/html"}, {"RATELIMIT-reset", "7"}, {"ratelimit-reset", "8"}};
  CHECK(find_header(headers, "content-type") == "text/html");
  CHECK(find_header(headers, "RateLimit-Reset") == "7");
  CHECK_FALSE(find_header(headers, "content").has_value());
}

TEST_CASE("percent coding keeps unreserved characters and every byte") {
  CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encode("a b/ë?&=+%") == "a%20b%2F%C3%AB%3F%26%3D%2B%25");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(percent_decode(percent_encode(all)) == all);
  CHECK(percent_decode("%4a%4A+%") == "JJ+%");
  CHECK(percent_decode("%4") == "%4");
  CHECK(percent_decode("%zz%41") == "%zzA");
  CHECK(percent_decode("a+b", true) == "a b");
}

TEST_CASE("forms are read back as written") {
  const Fields fields{{"ids[]", "P1"}, {"ids[]", "a&b=c d+"}, {"empty", ""}};
  CHECK(encode_form(fields) == "ids%5B%5D=P1&ids%5B%5D=a%26b%3Dc%20d%2B&empty=");
  CHECK(decode_form(encode_form(fields)) == fields);
  CHECK(decode_form("&a&b=1=2&&=x&") == Fields{{"a", ""}, {"b", "1=2"}, {"", "x"}});
  CHECK(decode_form("").empty());
}

TEST_CASE("a URL is taken apart") {
  const auto url = parse_url("HTTPS://API.PagerDuty.com:8443/oncalls?limit=100&x=%20").value();
  CHECK(url.scheme == "https");
  CHECK(url.host == "api.pagerduty.com");
  CHECK(url.port == 8443);
  CHECK(url.path == "/oncalls?limit=100&x=%20");
  CHECK(url.origin() == "https://api.pagerduty.com:8443");
  CHECK(parse_url("https://slack.com:443").value().origin() == "https://slack.com");
  CHECK(parse_url("https://slack.com").value().path == "/");
  CHECK(parse_url("https://slack.com?a=1").value().path == "/?a=1");
  CHECK(parse_url("http://[::1]:80/x").value().origin() == "http://[::1]");
}

TEST_CASE("what is not exactly an http URL is refused") {
  for (const auto* text : {"",
                           "slack.com",
                           "https:/slack.com",
                           "ftp://slack.com",
                           "https://",
                           "https:///x",
                           "https://user@slack.com",
                           "https://u:p@slack.com/",
                           "https://slack.com/#x",
                           "https://slack.com#@evil.com",
                           "https://sla ck.com",
                           "https://slack.com/a b",
                           "https://slack.com/\x01",
                           "https://slack.com/\xC3\xAB",
                           "https://slack.com\\x",
                           "https://slack.com/a\\b",
                           "https://slack.com:0/",
                           "https://slack.com:65536/",
                           "https://slack.com:/",
                           "https://slack.com:+80/",
                           "https://slack.com:8 0/",
                           "https://[::1",
                           "https://[::1]x/",
                           "https://[1.2.3.4]/",
                           "https://[fe80::1%eth0]/",
                           "https://-a.com/",
                           "https://a..com/",
                           "https://a.com./",
                           "https://127.1/",
                           "https://0x7f.1/",
                           "https://2130706433/",
                           "https://127.0.0.01/",
                           "https://sl%61ck.com/",
                           "https://a,b/",
                           "https://slack.com/\r\nHost: x"}) {
    INFO(text);
    const auto url = parse_url(text);
    CHECK_FALSE(url.ok());
    if (!url) CHECK(url.error().kind == ErrorKind::invalid);
  }
  CHECK_FALSE(parse_url(std::string_view("https://a.com/\0", 15)).ok());
}

TEST_CASE("the message about a URL does not repeat its secrets") {
  const auto message = parse_url("https://user:hunter2@slack.com/?token=xoxb-1").error().message;
  CHECK(message.find("hunter2") == std::string::npos);
  CHECK(message.find("xoxb") == std::string::npos);
}

TEST_CASE("plain http is only for this machine") {
  for (const auto* text : {"http://127.0.0.1:80/", "http://127.255.0.9/", "http://localhost:1/",
                           "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "https://slack.com/"}) {
    INFO(text);
    CHECK(parse_secure_url(text).ok());
  }
  for (const auto* text :
       {"http://slack.com/", "http://127.evil.com/", "http://localhost.evil.com/", "http://128.0.0.1/",
        "http://[::2]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/"}) {
    INFO(text);
    CHECK_FALSE(parse_secure_url(text).ok());
  }
}
