#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "providers/api_client.hpp"
#include "providers/jsm/jira_users.hpp"
#include "providers/jsm/parse.hpp"
#include "providers/provider.hpp"

namespace watchbill::providers::jsm {

/// Why a person may have no address here, and what to do.
inline constexpr std::string_view kNoAddress =
    "Jira hides it: the person can show it under \"Profile and visibility\" of their Atlassian account";

/// What an answer means; nothing if it is a success. `account` is whose API token was sent.
std::optional<Error> explain(const net::HttpResponse& response, const std::string& account);
/// How long the rate limit's headers ask us to pause: until `X-RateLimit-Reset` once nothing is left.
std::optional<milliseconds> limit_pause(const net::HttpResponse& response, Instant now);

/// Where an API of a cloud begins: the cloud ID stands between.
struct ApiPath {
  std::string_view before;
  std::string_view after;
};

/// JSM Operations, with an account's API token. There is no call for all schedules: each is asked for its
/// timeline, which tells who is on call, until when, and who is next.
class JsmProvider final : public Provider {
 public:
  /// `connection` has gone through the adapter's `prepare`.
  JsmProvider(const Connection& connection, const AdapterContext& context);

  net::Task<Result<std::string>> verify() override;
  net::Task<Result<std::vector<ScheduleInfo>>> list_schedules() override;
  net::Task<void> poll(std::vector<std::string> ids, Window window, AnswerSink sink) override;
  net::Task<void> look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) override;
  net::Task<ScheduleAnswer> confirm(std::string id, Window window) override;
  [[nodiscard]] ConnectionHealth health() const override;
  void forget_people() override { users_.expire(); }

 private:
  struct Round;
  /// What a schedule said, before its people have names.
  struct Said {
    ScheduleAnswer answer;
    std::vector<AccountSpan> spans{};
    Instant known_to{};
  };

  /// The site's cloud ID, asked for once.
  net::Task<Result<std::string>> cloud_id();
  net::Task<Result<void>> ask_cloud_id();
  /// Behind the base of an API of this cloud. A whole URL is asked as it is.
  net::Task<Result<json::Document>> get(ApiPath base, std::string target);
  net::Task<Result<json::Document>> get_operations(std::string target);
  net::Task<Result<json::Document>> get_jira(std::string target);

  /// The schedule's timeline; where that does not tell who is on call now, its on-calls.
  net::Task<Said> ask(std::string id, Window window, std::string_view interval);
  net::Task<Said> ask_flat(std::string id, Window window, Instant asked);
  net::Task<void> run_round(std::shared_ptr<Round> round, std::size_t workers);
  /// Asks the round's next schedule until none is left; how many it asked.
  net::Task<std::size_t> work(std::shared_ptr<Round> round);
  /// What a schedule of a poll that refuses is answered: that it is forbidden (or gone: that is not told
  /// apart), by its own word, or a failure if it is the system that refuses. The list of all is read once a
  /// round at most.
  net::Task<void> weigh(std::shared_ptr<Round> round, ScheduleAnswer answer);
  net::Task<Result<void>> read_list();
  /// Answers those of the round whose people had no names yet.
  net::Task<void> name_people(std::shared_ptr<Round> round);
  /// What the refusal is worth, by the list of all schedules that came after it; remembered for five minutes,
  /// so that the list is not read with every question.
  Error weighed(const std::string& id, const Error& refusal);
  /// Null if it is not known of this one.
  [[nodiscard]] const Error* known_refusal(const std::string& id, const Error& refusal) const;
  [[nodiscard]] bool all_named(const Said& said) const;
  [[nodiscard]] ScheduleAnswer with_names(Said said) const;

  net::Loop& loop_;
  std::string connection_;
  std::string site_name_;
  std::string account_;
  Secret authorization_;
  ApiClient api_;
  /// Asked without credentials.
  ApiClient site_;
  std::string cloud_id_;
  SharedWork asking_cloud_id_;
  SharedWork listing_;
  /// As it was read last.
  Result<std::vector<ScheduleInfo>> list_{std::vector<ScheduleInfo>{}};
  JiraUsers users_;
  struct Refusal {
    Error error;
    SteadyInstant at;
  };
  std::map<std::string, Refusal> refusals_;
};

}  // namespace watchbill::providers::jsm
