#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/connection.hpp"
#include "core/oncall/timeline.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"
#include "providers/credential_form.hpp"
#include "providers/sign_in.hpp"

namespace watchbill::providers {

struct ScheduleInfo {
  std::string id;
  std::string name;
  std::string kind;       ///< the system's own word: "layer-based", "shift-based", "schedule", "group"
  std::string time_zone;  ///< IANA; empty if not told
  std::string url;        ///< for people; empty if not told
  std::string note;       ///< what makes it special: "no escalation policy uses it", "disabled"; may be empty
};

/// How a connection is doing, for `status`, metrics and the engine's pace.
struct ConnectionHealth {
  /// The system asked us to slow down until then.
  std::optional<Instant> throttled_until;
  /// Its clock minus ours, when last seen.
  std::optional<seconds> clock_skew;
  /// Requests sent and failed since the start.
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  /// Credentials are being renewed, and the old ones may be spent already: who ends now loses both.
  bool renewing = false;
};

/// Gets each answer as soon as it is there; every schedule asked for gets exactly one.
using AnswerSink = std::function<void(ScheduleAnswer)>;

/// The capability "shifts": what the engine needs of a system that says who is on call. All methods run on
/// the loop's thread; a task may be destroyed at any time. Nothing of what a system answers makes them throw.
class Provider {
 public:
  virtual ~Provider() = default;

  /// One cheap call that proves the credentials. The text names what they open ("acme, as Ada Example").
  virtual net::Task<Result<std::string>> verify() = 0;
  /// Everything that can be the source of a rotation, sorted by name.
  virtual net::Task<Result<std::vector<ScheduleInfo>>> list_schedules() = 0;
  /// Who is on call at `window.from` and shortly after: the frequent question, with as few calls as the API
  /// allows. `window.from` is now, or a boundary at most 10 s ahead. A schedule that is merely absent from a
  /// list is answered `ok` with no shifts; the engine asks `confirm` before it believes that.
  virtual net::Task<void> poll(std::vector<std::string> ids, Window window, AnswerSink sink) = 0;
  /// The same for a long window: who is next.
  virtual net::Task<void> look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) = 0;
  /// Asks the schedule itself (`from_schedule`): `gone` only if the system says so in every way it has: its
  /// list of all schedules came after that, and goes without it.
  virtual net::Task<ScheduleAnswer> confirm(std::string id, Window window) = 0;

  [[nodiscard]] virtual ConnectionHealth health() const = 0;
  /// What is kept of people (names, addresses) is asked for anew with the next answers.
  virtual void forget_people() {}
};

/// Where renewed credentials are kept. The engine and the CLI implement it on the store.
class TokenKeeper {
 public:
  virtual ~TokenKeeper() = default;
  /// Returns only when the values are on disk (sealed). Empty secrets and settings are removed.
  virtual net::Task<Result<void>> keep(std::string connection, std::map<std::string, std::string> settings,
                                       std::map<std::string, Secret> secrets) = 0;
};

/// What every adapter is given. All must outlive the provider.
struct AdapterContext {
  net::Loop& loop;
  net::HttpClient& http;
  TokenKeeper& tokens;
  /// Host names that connections of a kind may use beyond those that its adapter allows, by kind.
  std::map<std::string, std::vector<std::string>> allowed_hosts{};
};

/// One option of `watchbill connection add KIND`.
struct Option {
  std::string flag;     ///< "api-key-file": the command line's name
  std::string key;      ///< "api_key": the name in `settings` or `secrets`
  bool secret = false;  ///< read from a file, kept sealed
  std::string description;
  std::string value_name;  ///< "FILE", "us|eu"
  bool usual = false;      ///< nearly everybody gives it
};

/// That the vendor switches a system off.
struct SystemEnd {
  Instant at;                  ///< the day, from which on it answers nobody
  std::string_view successor;  ///< the kind to move to
  std::string_view page;       ///< for whoever moves: "docs/…"
};

/// A kind of system.
struct Adapter {
  std::string_view kind;   ///< "pagerduty"
  std::string_view title;  ///< "PagerDuty"
  std::vector<Option> options;
  /// Checks and cleans settings and secrets (defaults filled in, host names normalised, https only except to
  /// loopback) before anything is sent. The error names the option.
  std::function<Result<Connection>(Connection, const AdapterContext&)> prepare;
  /// What the system can do: a factory for each capability that it has, of a connection that went through
  /// `prepare`. Null: it cannot. Nothing else asks what kind of system it is.
  std::function<std::unique_ptr<Provider>(const Connection&, const AdapterContext&)> shifts{};
  /// How forms ask for credentials: at least one way, the best first.
  std::vector<CredentialWay> ways;
  /// The name of the way in which a stored connection's credentials were given. Needed where there are
  /// several.
  std::function<std::string(const Connection&)> way_of{};
  /// For the help of `connection add`, at least one, the simplest first: "connection add …".
  std::vector<std::string> examples;
  /// Nothing: people do not sign in to it with a browser.
  std::optional<BrowserSignIn> sign_in{};
  /// Why a person may have no e-mail address there, and what mends it; may be empty.
  std::string_view no_address{};
  /// Nothing: no end is announced.
  std::optional<SystemEnd> ends{};
};

/// The list of adapters. Adding one touches this list and its own folder.
std::span<const Adapter> adapters();
/// The adapter of that kind; the error lists what there is.
Result<const Adapter*> find_adapter(std::string_view kind);
/// The way of that name. Of an adapter that has one way it is that one, whatever the name. Null if there is
/// none such.
const CredentialWay* find_way(const Adapter& adapter, std::string_view name);
/// Names of the capabilities that the adapter has: "shifts".
std::vector<std::string> capabilities_of(const Adapter& adapter);
/// The schedules of a connection; its credentials are checked and cleaned first, and the cleaned connection
/// is left in its place. `invalid` if its system has none.
Result<std::unique_ptr<Provider>> open_shifts(Connection& connection, const AdapterContext& context);
/// The options that give a connection of that kind new credentials: "--api-key-file FILE".
std::string credential_options(const std::string& kind);
/// The day on which systems of that kind end: "2027-04-05".
std::optional<std::string> end_day_of(const std::string& kind);
/// That day, and how a connection of that name is moved; nothing if the kind does not end.
std::optional<std::string> end_notice(const std::string& name, const std::string& kind, Instant now);
/// How many days before the end whoever uses it is told.
inline constexpr std::array<int, 3> kEndTold{90, 30, 7};
/// The title of that kind; the kind itself if there is no such adapter.
std::string title_of(const std::string& kind);
/// "pagerduty, opsgenie, jsm or xmatters"
std::string kinds_to_choose_from();
/// Those that are signed in to with a browser: "PagerDuty".
std::string titles_with_sign_in();

}  // namespace watchbill::providers
