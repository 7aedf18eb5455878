#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "providers/api_client.hpp"
#include "providers/opsgenie/parse.hpp"
#include "providers/opsgenie/timeline.hpp"
#include "providers/provider.hpp"

namespace watchbill::providers::opsgenie {

/// What an answer of Opsgenie means; nothing if it is a success. `region` stands in the advice of a 401: a US
/// key at the EU host gives just that.
std::optional<Error> explain(const net::HttpResponse& response, const std::string& region);
/// How long Opsgenie's throttling headers ask us to pause (docs.opsgenie.com, "API rate limiting").
std::optional<milliseconds> throttle_pause(const net::HttpResponse& response);

/// Opsgenie's REST API v2, with the key of an API integration.
class OpsgenieProvider final : public Provider {
 public:
  /// `connection` has gone through the adapter's `prepare`.
  OpsgenieProvider(const Connection& connection, const AdapterContext& context);

  net::Task<Result<std::string>> verify() override;
  net::Task<Result<std::vector<ScheduleInfo>>> list_schedules() override;
  net::Task<void> poll(std::vector<std::string> ids, Window window, AnswerSink sink) override;
  net::Task<void> look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) override;
  net::Task<ScheduleAnswer> confirm(std::string id, Window window) override;
  [[nodiscard]] ConnectionHealth health() const override { return api_.health(); }

 private:
  /// Somebody's id, learned from replies that name both.
  struct KnownId {
    std::string id;
    SteadyInstant seen;
  };

  net::Task<Result<json::Document>> get(std::string target);
  /// On-calls of one schedule, or of all if `id` is empty.
  net::Task<Result<std::vector<OnCallEntry>>> on_calls(std::string id, bool flat, Instant at);
  /// People of one schedule whose nested reply did not name all of them, by the flat reply.
  net::Task<Result<std::vector<UserReference>>> flat_people(std::string id, OnCallPeople nested, Instant at);
  /// Gives users of flat replies their ids.
  net::Task<Result<std::vector<UserReference>>> with_ids(std::vector<UserReference> users);
  net::Task<Result<ScheduleTimeline>> timeline(std::string id, int weeks);
  /// The schedule's timeline and those nested in it.
  net::Task<Result<Timelines>> timelines(std::string id, Window window);
  net::Task<ScheduleAnswer> ask_timeline(std::string id, Window window, bool from_schedule);
  net::Task<ScheduleAnswer> confirm_moment(std::string id, Window window);
  /// The answer of a schedule that could not be asked; a refusal is held against the list of all.
  net::Task<ScheduleAnswer> refused(std::string id, Window window, Error refusal);

  void learn(const std::vector<UserReference>& users);
  void answer_moment(ScheduleAnswer& answer, const std::vector<UserReference>& users) const;

  net::Loop& loop_;
  std::string connection_;
  std::string region_;
  Secret authorization_;
  ApiClient api_;
  std::map<std::string, KnownId> ids_by_username_;
};

}  // namespace watchbill::providers::opsgenie
