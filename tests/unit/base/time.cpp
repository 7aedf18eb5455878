#include "base/time.hpp"

#include <rapidcheck.h>

#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

constexpr Instant at(int year, unsigned month, unsigned day, milliseconds rest = 0ms) {
  return Instant{std::chrono::sys_days{std::chrono::year{year} / month / day}} + rest;
}

}  // namespace

TEST_CASE("RFC 3339 is read with Z, offsets and fractions") {
  CHECK(parse_rfc3339("2026-11-22T09:00:00Z").value() == at(2026, 11, 22, 9h));
  CHECK(parse_rfc3339("2026-11-22t09:00:00z").value() == at(2026, 11, 22, 9h));
  CHECK(parse_rfc3339("2026-11-22T09:00:00+02:00").value() == at(2026, 11, 22, 7h));
  CHECK(parse_rfc3339("2026-11-22T01:00:00-0330").value() == at(2026, 11, 22, 4h + 30min));
  CHECK(parse_rfc3339("2026-11-22T09:00:00.5Z").value() == at(2026, 11, 22, 9h + 500ms));
  CHECK(parse_rfc3339("2026-11-22T09:00:00.123456789Z").value() == at(2026, 11, 22, 9h + 123ms));
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z").value() == at(2024, 2, 29));
}

TEST_CASE("what is no RFC 3339 time is refused") {
  for (const auto* bad : {"", "2026", "2026-11-22", "2026-11-22T09:00:00", "2026-02-29T00:00:00Z",
                          "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T09:60:00Z",
                          "2026-11-22T09:00:00.Z", "2026-11-22T09:00:00+2", "2026-11-22T09:00:00+25:00",
                          "2026-11-22T09:00:00Zx", "x026-11-22T09:00:00Z", "2026-11-22T09:00:00+aa:00"})
    CHECK_FALSE(parse_rfc3339(bad));
}

TEST_CASE("a moment is written in UTC, rounded down") {
  CHECK(format_rfc3339(at(2026, 11, 22, 9h + 999ms)) == "2026-11-22T09:00:00Z");
  CHECK(format_rfc3339_ms(at(2026, 11, 22, 9h + 7ms)) == "2026-11-22T09:00:00.007Z");
  CHECK(format_rfc3339(at(1969, 12, 31, 23h + 59min + 59s + 1ms)) == "1969-12-31T23:59:59Z");
  CHECK(format_minutes(at(2026, 3, 4, 5h + 6min)) == "2026-03-04 05:06 UTC");
}

TEST_CASE("a moment survives being written and read") {
  const auto holds = rc::check([] {
    const Instant t{milliseconds{*rc::gen::inRange<std::int64_t>(0, 253'402'300'799'000)}};
    RC_ASSERT(parse_rfc3339(format_rfc3339_ms(t)).value() == t);
  });
  CHECK(holds);
}

TEST_CASE("no text crashes the readers of times") {
  const auto holds = rc::check([](const std::string& text) {
    static_cast<void>(parse_rfc3339(text).ok());
    static_cast<void>(parse_rfc3339("2026-11-22T09:00:00" + text).ok());
    static_cast<void>(parse_duration(text).ok());
    static_cast<void>(parse_http_date(text));
  });
  CHECK(holds);
}

TEST_CASE("durations have a unit") {
  CHECK(parse_duration("60s").value() == 60s);
  CHECK(parse_duration("1500ms").value() == 1500ms);
  CHECK(parse_duration("5m").value() == 5min);
  CHECK(parse_duration("6h").value() == 6h);
  CHECK(parse_duration("400d").value() == days{400});
  CHECK(parse_duration("90 min").value() == 90min);
  CHECK(parse_duration("1 hour").value() == 1h);
  CHECK(parse_duration("2 weeks").value() == days{14});
  // What is shown can be written.
  for (const milliseconds shown : {milliseconds{90s}, milliseconds{26h}, milliseconds{400ms}})
    CHECK(parse_duration(format_duration(shown)).value() == shown);
  CHECK(parse_duration("1h30m").value() == 90min);
  for (const auto* bad : {"", " ", "60", "s", "-5s", "1.5h", "5y", "2h 1d", "1h 1h", "1h 30", "5 parsecs",
                          "1H", "+5s", "99999999999999999999s", "999999999999d"})
    CHECK_FALSE(parse_duration(bad));
}

TEST_CASE("durations for people have at most two units") {
  CHECK(format_duration(400ms) == "400ms");
  CHECK(format_duration(60s) == "1m");
  CHECK(format_duration(90s) == "1m 30s");
  CHECK(format_duration(26h + 5min) == "1d 2h");
  CHECK(format_duration(24h + 5min) == "1d");
  CHECK(format_duration(-90s) == "-1m 30s");
}

TEST_CASE("the Date header is read") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == at(1994, 11, 6, 8h + 49min + 37s));
  for (const auto* bad : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 32 Nov 1994 08:49:37 GMT"})
    CHECK_FALSE(parse_http_date(bad));
}

TEST_CASE("a duration is spelled in its two largest units") {
  CHECK(spell_duration(4s) == "4 s");
  CHECK(spell_duration(124s) == "2 min 4 s");
  CHECK(spell_duration(2min) == "2 min");
  CHECK(spell_duration(185min + 7s) == "3 h 5 min");
  CHECK(spell_duration(49h + 10min) == "2 d 1 h");
  CHECK(spell_duration(-1s) == "0 s");
}
