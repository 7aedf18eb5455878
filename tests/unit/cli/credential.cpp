#include "cli/terminal/credential.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

std::string told(const std::string& message, const std::vector<std::string>& args) {
  return without_credentials(fail(ErrorKind::invalid, "{}", message), args).message;
}

}  // namespace

TEST_CASE("keys and tokens look like credentials; names, files, addresses and ids do not") {
  for (const auto* text : {"xoxb-000000000000-abcdefgh", "xapp-1-A000-000-abcdef", "u+AbCdEfGhIjKlMnOpQr",
                           "y_NbAkKc66ryYTWUXYEu", "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                           "f8a5c0de-1111-4222-8333-0123456789ab", "Zm9vYmFyL2Jheis0MnF1eA==",
                           "JBSWY3DPEHPK3PXPJBSW", "abcdefghij1234567890", "eyJhbGciOiJIUzI1NiJ9.e30.x"}) {
    INFO(text);
    CHECK(looks_like_credential(text));
  }
  for (const auto* text :
       {"payments", "payments-europe-production-2", "PAYMENTS-EUROPE-2", "pagerduty", "pagerduty/PABC123",
        "/etc/watchbill/keys/PagerDuty2026", "./PagerDutyKey2026.txt", "keys/pagerduty-2026.key",
        "U0123ABCDEF", "https://Acme1234.pagerduty.com", "ada.lovelace1815@example.com",
        "2026-11-30T18:00:00Z", "Payments On Call Europe 2", "--connection-timeout2", "@payments-oncall-eu2",
        ""}) {
    INFO(text);
    CHECK_FALSE(looks_like_credential(text));
  }
}

TEST_CASE("an error does not repeat an argument that looks like a credential") {
  const std::string key = "y_NbAkKc66ryYTWUXYEu";
  CHECK(told("connection name \"" + key + "\": no", {"connection", "add", "pagerduty", key}) ==
        "connection name \"…\": no (… stands for what looks like a credential: it is not repeated)");
  CHECK(told(key + ", " + key, {"--region=" + key}).find("y_Nb") == std::string::npos);
  // Cut off, as long values are.
  CHECK(told("\"y_NbAkKc66ryYT…\"", {key}).find("y_Nb") == std::string::npos);
  CHECK(told("no connection \"payments-2\"", {"connection", "test", "payments-2"}) ==
        "no connection \"payments-2\"");
}
