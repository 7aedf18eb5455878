#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "providers/api_client.hpp"
#include "providers/provider.hpp"
#include "providers/xmatters/email_addresses.hpp"
#include "providers/xmatters/paging.hpp"
#include "providers/xmatters/parse.hpp"
#include "providers/xmatters/roster.hpp"

namespace watchbill::providers::xmatters {

/// What an answer of xMatters means; nothing if it is a success.
std::optional<Error> explain(const net::HttpResponse& response);

/// xMatters' REST API, with a user's API key. Its schedules are groups.
class XmattersProvider final : public Provider {
 public:
  /// `connection` has gone through the adapter's `prepare`.
  XmattersProvider(const Connection& connection, const AdapterContext& context);

  net::Task<Result<std::string>> verify() override;
  net::Task<Result<std::vector<ScheduleInfo>>> list_schedules() override;
  net::Task<void> poll(std::vector<std::string> ids, Window window, AnswerSink sink) override;
  net::Task<void> look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) override;
  net::Task<ScheduleAnswer> confirm(std::string id, Window window) override;
  [[nodiscard]] ConnectionHealth health() const override { return api_.health(); }
  void forget_people() override { emails_.expire(); }

 private:
  /// One question about many groups, and what is known of its answer so far.
  struct Round {
    Window window;
    bool ask_now = false;  ///< without time parameters, besides the range
    AnswerSink sink;
    Instant asked;
    Occurrences occurrences{};
    std::map<std::string, Error> failures{};
    std::set<std::string> alone{};   ///< groups that were asked singly
    std::optional<Error> stopped{};  ///< the system does not answer at all: do not ask on
    int slow = 0;                    ///< slow or broken answers in a row
    bool probed = false;             ///< xMatters answers what it refuses nobody
  };

  net::Task<Result<json::Document>> get(std::string target);
  /// One cheap question that is answered for everybody whose credentials are good: how many groups there are.
  net::Task<Result<std::size_t>> probe();
  /// Asks for all `ids`, then answers each.
  net::Task<void> run(std::vector<std::string> ids, Round& round);
  /// The part of `run` that adds the rosters of `ids` to the round.
  net::Task<void> gather(std::vector<std::string> ids, Round& round);
  /// At most a batch.
  net::Task<void> gather_batch(std::vector<std::string> ids, Round& round);
  /// A batch that was refused: one of its groups may be to blame.
  net::Task<void> gather_singly(std::vector<std::string> ids, Round& round);
  net::Task<Result<std::vector<Occurrence>>> ask(std::vector<std::string> ids, Round& round);
  /// Reads a list of who is on call: now, or in a window. A list that changes meanwhile, or whose window
  /// begins before it is read, is read once more.
  net::Task<Result<std::vector<Occurrence>>> ask_list(std::string query, std::optional<Window> window);
  /// Reads it once. It must be read before `until`, by the server's clock.
  net::Task<Result<std::vector<Occurrence>>> read_list(PageCount& pages, Instant until);
  net::Task<void> fill_members(Occurrence& occurrence);
  net::Task<void> answer(std::string id, Round& round);
  net::Task<Result<std::vector<Shift>>> shifts(std::string id, Round& round);
  net::Task<Result<Responder>> responder(MemberSpan span);

  /// The server's clock, or ours if that is ahead.
  [[nodiscard]] Instant latest_now() const;
  /// The range of the API must not reach into the past of the server's clock, for as long as it is read.
  [[nodiscard]] Window range_of(const Window& window, milliseconds ahead) const;
  /// The ranges for which a window is asked: that of a long list begins well ahead.
  [[nodiscard]] std::vector<Window> ranges_of(const Window& window) const;
  [[nodiscard]] std::vector<std::vector<std::string>> batches(const std::vector<std::string>& ids) const;

  net::Loop& loop_;
  std::string connection_;
  std::string host_;
  Secret authorization_;
  ApiClient api_;
  EmailAddresses emails_;
  /// Groups for which a whole batch is refused, until when they are asked alone.
  std::map<std::string, SteadyInstant> spoilers_;
};

}  // namespace watchbill::providers::xmatters
