#include "cli/terminal/moment.hpp"

#include <cstdlib>
#include <ctime>

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The zone of whoever sits here, for one test.
class Zone {
 public:
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
};

/// Central European time, as a rule that needs no files of zones.
constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

const Instant kNow = *parse_rfc3339("2026-12-01T10:30:00Z");

std::string read(std::string_view text, Bare bare = Bare::ago) {
  const auto at = parse_moment(text, kNow, bare);
  return at ? format_rfc3339(*at) : at.error().message;
}

}  // namespace

TEST_CASE("times are read as people write them, in the zone of the terminal") {
  const Zone zone(kBerlin);
  for (const auto& [text, at] : std::initializer_list<std::pair<const char*, const char*>>{
           {"24h", "2026-11-30T10:30:00Z"},
           {"90 minutes", "2026-12-01T09:00:00Z"},
           {"1d 2h", "2026-11-30T08:30:00Z"},
           {"2h ago", "2026-12-01T08:30:00Z"},
           {"-2h", "2026-12-01T08:30:00Z"},
           {"in 2h", "2026-12-01T12:30:00Z"},
           {"+2h", "2026-12-01T12:30:00Z"},
           {"now", "2026-12-01T10:30:00Z"},
           {"today", "2026-11-30T23:00:00Z"},
           {"Yesterday 09:00", "2026-11-30T08:00:00Z"},
           {"tomorrow 9:05", "2026-12-02T08:05:00Z"},
           {"09:00", "2026-12-01T08:00:00Z"},
           {"2026-12-01 09:00", "2026-12-01T08:00:00Z"},
           {"2026-12-01T09:00:30", "2026-12-01T08:00:30Z"},
           {"2026-12-01", "2026-11-30T23:00:00Z"},
           {"2026-07-01 09:00", "2026-07-01T07:00:00Z"},
           {"2026-12-01 09:00 UTC", "2026-12-01T09:00:00Z"},
           {"yesterday 09:00 utc", "2026-11-30T09:00:00Z"},
           {"2026-12-01 09:00 +05:30", "2026-12-01T03:30:00Z"},
           {"2026-12-01T09:00Z", "2026-12-01T09:00:00Z"},
           {"2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"}}) {
    INFO(text);
    CHECK(read(text) == at);
  }
  CHECK(read("24h", Bare::ahead) == "2026-12-02T10:30:00Z");
  CHECK(read("24h ago", Bare::ahead) == "2026-11-30T10:30:00Z");
  CHECK(format_local(*parse_rfc3339("2026-12-01T08:00:00Z")) == "2026-12-01 09:00 CET");
  CHECK(format_local(*parse_rfc3339("2026-07-01T07:00:30Z")) == "2026-07-01 09:00:30 CEST");
}

TEST_CASE("a time that cannot be read is answered with examples and the zone") {
  const Zone zone(kBerlin);
  for (const auto* text : {"", "soon", "24", "25:00", "2026-13-01", "2026-02-30 09:00", "09:00 Mars",
                           "yesterday morning", "99999999999999999999h", "2026-12-01 09:00 CET"}) {
    INFO(text);
    CHECK_THAT(read(text), ContainsSubstring("is no time: write 24h (ago)") &&
                               ContainsSubstring("\"2026-12-01 09:00\"") && ContainsSubstring("CET"));
  }
  CHECK_THAT(read("soon", Bare::ahead), ContainsSubstring("\"in 24h\""));
}
