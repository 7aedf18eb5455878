#include "net/redact.hpp"

#include <random>

#include "base/base64.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::net;

namespace {

const std::string kKey = "u+Ab/9xQ-7=kLm&2";

std::string without(const Redactor& redactor, std::string text) {
  redactor.redact(text);
  return text;
}

std::string as_json_escapes(const std::string& text) {
  std::string out;
  for (const char c : text) out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  return out;
}

HttpResponse answer(std::string body, Headers headers = {}) {
  HttpResponse response;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

}  // namespace

TEST_CASE("a credential is taken out of foreign text in every shape in which systems repeat it") {
  Redactor redactor;
  redactor.add(Secret(kKey));
  CHECK(without(redactor, "key " + kKey + "!") == "key …!");
  CHECK(without(redactor, kKey + kKey) == "……");
  CHECK(without(redactor, "u%2BAb%2F9xQ-7%3DkLm%262") == "…");
  CHECK(without(redactor, "u%2bAb%2f9xQ-7%3dkLm%262") == "…");
  CHECK(without(redactor, "u+Ab/9xQ-7=kLm&amp;2") == "…");
  CHECK(without(redactor, "752b41622f3978512d373d6b4c6d2632") == "…");
  CHECK(without(redactor, "752B41622F3978512D373D6B4C6D2632") == "…");
  for (const auto& before : {"", "a", "ab", "abc", "user:"}) {
    CAPTURE(before);
    const auto encoded = base64(before + kKey + "and more");
    const auto left = without(redactor, encoded);
    CHECK(left.size() < encoded.size() - kKey.size());
    CHECK(left.find("…") != std::string::npos);
  }
}

TEST_CASE("a credential is found wherever it stands in a large answer") {
  Redactor redactor;
  for (const auto* key : {"xoxb-12-34-AbCdEfGhIjKlMnOp", "k3y-6b", "u+Abc9xQ7kLm2zzyyxxww"})
    redactor.add(Secret(key));
  std::mt19937 random(20);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same texts every time
  for (int round = 0; round < 2000; ++round) {
    // Of the keys' own letters, so that much of the text begins like one.
    std::string text;
    while (text.size() < 200) text += "xoxb-1234AbCdk3y6u+9"[random() % 20];
    const auto* const key = round % 2 == 0 ? "k3y-6b" : "u+Abc9xQ7kLm2zzyyxxww";
    text.insert(random() % (text.size() + 1), key);
    INFO(text);
    const auto left = without(redactor, text);
    CHECK(left.find(key) == std::string::npos);
    CHECK(left.find("…") != std::string::npos);
  }
}

TEST_CASE("what is no credential stays as it is") {
  Redactor redactor;
  redactor.add(Secret("short"));
  redactor.add(Secret(""));
  CHECK(without(redactor, "a short text, as short as it is") == "a short text, as short as it is");
  auto response = answer(R"({"name":"Zo\u00eb \"Z\" \\u0041 a\/b \u0022 \u00"})");
  redactor.add(Secret("something-else"));
  redactor.redact(response);
  CHECK(response.body == R"({"name":"Zo\u00eb \"Z\" \\u0041 a/b \u0022 \u00"})");
}

TEST_CASE("a credential does not pass in JSON's escapes, nor in a header") {
  Redactor redactor;
  redactor.add(Secret(kKey));
  auto response =
      answer(R"({"message":"no )" + as_json_escapes(kKey) + R"( here","also":"u+Ab\/9xQ-7=kLm&2"})",
             {{"WWW-Authenticate", "Token " + kKey}});
  redactor.redact(response);
  CHECK(response.body == R"({"message":"no … here","also":"…"})");
  CHECK(response.headers.front().second == "Token …");
}

TEST_CASE("what a request carried is known by its headers and its form") {
  Redactor redactor;
  redactor.add_authorization(Secret("Token token=y_NbAkKc66ryYTWUXYEu"));
  redactor.add_authorization(Secret("Bearer abcdefgh"));
  redactor.add_form("grant_type=authorization_code&code=c-0-d-e&code_verifier=veri%2Ffier&client_id=client");
  CHECK(without(redactor, "y_NbAkKc66ryYTWUXYEu") == "…");
  CHECK(without(redactor, "abcdefgh") == "…");
  CHECK(without(redactor, "c-0-d-e and veri/fier") == "… and …");
  CHECK(without(redactor, "authorization_code of client") == "authorization_code of client");
}

TEST_CASE("seven eighths of a credential count as the whole, whatever follows") {
  const std::string key = "y_NbAkKc66ryYTWUXYEu";
  Redactor redactor;
  redactor.add(Secret(key));
  for (std::size_t size = 18; size <= key.size(); ++size) {
    CAPTURE(size);
    const auto part = key.substr(0, size);
    CHECK(without(redactor, "no " + part) == "no …");
    CHECK(without(redactor, "no " + part + "… here, " + part + ".") == "no …… here, ….");
    CHECK(without(redactor, percent_encode(part) + " " + base64(part)).find(key.substr(0, 8)) ==
          std::string::npos);
  }
  CHECK(without(redactor, "y_NbAkKc66, y_NbAkKc66X") == "y_NbAkKc66, y_NbAkKc66X");
  Redactor short_one;
  short_one.add(Secret("abcdef"));
  CHECK(without(short_one, "abcde abcdef abcdefg") == "abcde … …g");
}

TEST_CASE("a text in which a credential is hidden is given up as a whole") {
  const std::string key = "Ab3d/Ef9h+Ij\"kLm";
  Redactor redactor;
  redactor.add(Secret(key));
  std::string percent;
  std::string decimal;
  std::string hexadecimal;
  for (const char c : key) {
    percent += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    decimal += fmt::format("&#{};", static_cast<unsigned char>(c));
    hexadecimal += fmt::format("&#x{:X};", static_cast<unsigned char>(c));
  }
  for (const auto& hidden : {percent, decimal, hexadecimal, percent_encode(percent), as_json_escapes(key),
                             std::string("Ab3d%2FEf9h+Ij\"kLm"), std::string("Ab3d/Ef9h%2BIj%22kLm"),
                             std::string(R"(Ab3d\/Ef9h+Ij\"kLm)"), std::string(R"(Ab3d/Ef9h+Ij\\\"kLm)")}) {
    CAPTURE(hidden);
    CHECK(without(redactor, "no " + hidden + " here") == "…");
  }
  CHECK(without(redactor, base64("a=1&client_secret=" + percent_encode(key) + "&b=2")).find("…") !=
        std::string::npos);
  CHECK(without(redactor, "100 % of Smith &amp; Sons, C:\\users %2F") ==
        "100 % of Smith &amp; Sons, C:\\users %2F");
}
