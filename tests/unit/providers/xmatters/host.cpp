#include "providers/xmatters/host.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using providers::xmatters::clean_host;

TEST_CASE("an xMatters host is accepted however it is typed") {
  for (const auto* typed : {"acme.xmatters.com", "https://acme.xmatters.com", "https://acme.xmatters.com/",
                            "http://acme.xmatters.com/", "HTTPS://ACME.XMATTERS.COM", "www.acme.xmatters.com",
                            "https://www.acme.xmatters.com/", "WWW.Acme.xMatters.com", "acme.xmatters.com.",
                            "acme.xmatters.com./", "acme.xmatters.com/", "  acme.xmatters.com\n"}) {
    INFO(typed);
    const auto host = clean_host(typed, {});
    REQUIRE(host);
    CHECK(*host == "acme.xmatters.com");
  }
  CHECK(*clean_host("eu.acme-corp.xmatters.com", {}) == "eu.acme-corp.xmatters.com");
}

TEST_CASE("what is no xMatters host is refused with the reason") {
  struct Row {
    std::string typed;
    std::string reason;
  };
  const std::vector<Row> rows{
      {"", "empty"},
      {"https://", "empty"},
      {".", "empty"},
      {"acme", "is it acme.xmatters.com?"},
      {"xmatters.com", "tenant is missing"},
      {"www.xmatters.com", "tenant is missing"},
      {"user:password@acme.xmatters.com", "user part"},
      {"https://evil.com@acme.xmatters.com/", "user part"},
      {"acme.xmatters.com:8443", "port"},
      {"https://acme.xmatters.com:443/", "port"},
      {"https://acme.xmatters.com/api/xm/1", "path"},
      {"acme.xmatters.com//", "path"},
      {"acme.xmatters.com?x=1", "path"},
      {"acme.xmatters.com#x", "path"},
      {"evil.com\\.xmatters.com", "path"},
      {"192.168.1.10", "IP address"},
      {"https://127.0.0.1/", "IP address"},
      {"0x7f.0.0.1", "IP address"},
      {"0x7f000001", "IP address"},
      {"2130706433", "IP address"},
      {"[::1]", "IP address"},
      {"::1", "IP address"},
      {"ftp://acme.xmatters.com", "only https"},
      {"acme.example.com", "does not end in .xmatters.com"},
      {"acme.xmatters.com.evil.com", "does not end in .xmatters.com"},
      {"evilxmatters.com", "does not end in .xmatters.com"},
      {"acme..xmatters.com", "no host name"},
      {"-acme.xmatters.com", "no host name"},
      {"ac me.xmatters.com", "no host name"},
      {"acme_1.xmatters.com", "no host name"},
      {"acmé.xmatters.com", "no host name"},
      {"acme%2exmatters.com", "no host name"},
      {std::string("acme\0.xmatters.com", 18), "no host name"},
      {std::string(64, 'a') + ".xmatters.com", "no host name"},
      {std::string(300, 'a') + ".xmatters.com", "longer"},
  };
  for (const auto& row : rows) {
    INFO(row.typed);
    const auto host = clean_host(row.typed, {});
    REQUIRE_FALSE(host);
    CHECK(host.error().kind == ErrorKind::invalid);
    CHECK_THAT(host.error().message, ContainsSubstring(row.reason));
    CHECK_THAT(host.error().message, StartsWith("--host"));
  }
}

TEST_CASE("the configuration can allow hosts of other domains, exactly") {
  const std::vector<std::string> allowed{"Acme.xmatters.com.au", "www.pager.example.org"};
  CHECK(*clean_host("https://acme.xmatters.com.au/", allowed) == "acme.xmatters.com.au");
  CHECK(*clean_host("www.acme.xmatters.com.au", allowed) == "acme.xmatters.com.au");
  CHECK(*clean_host("www.pager.example.org", allowed) == "www.pager.example.org");
  CHECK_FALSE(clean_host("other.xmatters.com.au", allowed));
  CHECK_FALSE(clean_host("x.acme.xmatters.com.au", allowed));
  CHECK_FALSE(clean_host("acme.xmatters.com.au:8443", allowed));
}
