#include "slack/transport/signature.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

// Slack's own example (docs.slack.dev/authentication/verifying-requests-from-slack).
const Secret kSlackSecret("8f742231b10e8888abcd99yyyzzz85a5");
constexpr auto* kSlackTime = "1531420618";
constexpr auto* kSlackBody =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_"
    "name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%"
    "3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
    "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
constexpr auto* kSlackSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

const Secret kSecret("0123456789abcdef0123456789abcdef");
constexpr auto* kTime = "1772358000";
const Instant kThen{seconds{1772358000}};
constexpr auto* kBody = "payload=%7B%22type%22%3A%22block_actions%22%7D";
constexpr auto* kSignature = "v0=0228fb0b2fa174be0111dd07872c181c785ad5d63d6e1b08bdc964ce605a56a9";

ErrorKind refusal(std::optional<std::string_view> time, std::optional<std::string_view> signature,
                  std::string_view body, Instant now) {
  const auto checked = check_signature(kSecret, time, signature, body, now);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message.find(kSecret.reveal()) == std::string::npos);
  return checked.error().kind;
}

}  // namespace

TEST_CASE("signatures are computed as in Slack's own example") {
  CHECK(sign(kSlackSecret, kSlackTime, kSlackBody) == kSlackSignature);
  CHECK(check_signature(kSlackSecret, kSlackTime, kSlackSignature, kSlackBody, Instant{seconds{1531420618}}));
  CHECK(
      sign(kSecret, kTime,
           R"({"token":"legacy-ignored","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",)"
           R"("type":"url_verification"})") ==
      "v0=4d0bfce88c34d8643ea09b5a489ebfdc5e520b6d048ecb8c4ebebca1cd96b845");
  CHECK(sign(kSecret, kTime, kBody) == kSignature);
}

TEST_CASE("one changed byte, anywhere, is refused") {
  REQUIRE(check_signature(kSecret, kTime, kSignature, kBody, kThen));
  for (std::size_t i = 0; i < std::string_view(kSignature).size(); ++i) {
    std::string changed(kSignature);
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK(refusal(kTime, changed, kBody, kThen) == ErrorKind::unauthorized);
  }
  CHECK(refusal(kTime, kSignature, std::string(kBody) + " ", kThen) == ErrorKind::unauthorized);
  CHECK(refusal(kTime, kSignature, "", kThen) == ErrorKind::unauthorized);
  CHECK(refusal("1772358001", kSignature, kBody, kThen) == ErrorKind::unauthorized);
  CHECK(refusal(kTime, std::string(kSignature) + "0", kBody, kThen) == ErrorKind::unauthorized);
  CHECK(refusal(kTime, std::string_view(kSignature).substr(3), kBody, kThen) == ErrorKind::unauthorized);
  CHECK(refusal(kTime, "", kBody, kThen) == ErrorKind::unauthorized);
}

TEST_CASE("the secret is used as it is written, not as the bytes that its digits spell") {
  CHECK(sign(Secret("\x01\x23\x45\x67"), kTime, kBody) != sign(Secret("01234567"), kTime, kBody));
}

TEST_CASE("a missing or malformed header is refused") {
  CHECK(refusal(std::nullopt, kSignature, kBody, kThen) == ErrorKind::unauthorized);
  CHECK(refusal(kTime, std::nullopt, kBody, kThen) == ErrorKind::unauthorized);
  for (const auto* time : {"", " 1772358000", "1772358000 ", "-1772358000", "+1772358000", "1772358000.5",
                           "0x69A4", "01772358000", "0", "99999999999999999999999999", "now"}) {
    CAPTURE(time);
    // Even with a signature that fits.
    CHECK(refusal(time, sign(kSecret, time, kBody), kBody, kThen) == ErrorKind::unauthorized);
  }
}

TEST_CASE("five minutes either way are tolerated, and not a second more") {
  CHECK(check_signature(kSecret, kTime, kSignature, kBody, kThen + 300s));
  CHECK(check_signature(kSecret, kTime, kSignature, kBody, kThen - 300s));
  CHECK(refusal(kTime, kSignature, kBody, kThen + 301s) == ErrorKind::conflict);
  CHECK(refusal(kTime, kSignature, kBody, kThen - 301s) == ErrorKind::conflict);
  // Who does not know the secret learns nothing about our clock.
  CHECK(refusal(kTime, "v0=00", kBody, kThen + 301s) == ErrorKind::unauthorized);
}
