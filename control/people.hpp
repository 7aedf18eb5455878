#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/workspace.hpp"

/// Who on call is which Slack user.
namespace watchbill::control {

/// Somebody on call whom Slack does not know.
struct UnmatchedPerson {
  Responder responder;
  std::string why;
  std::optional<Instant> since{};
};

/// What `map_person` takes for this responder: the e-mail address, else "connection/id".
std::string handle_of(const Responder& responder);

/// Everybody on call, or lately seen, who is nobody in Slack, sorted by name. Whoever was mapped since waits
/// for the next pass and is left out.
Result<std::vector<UnmatchedPerson>> unmatched_people(store::Store& store);

/// People in Slack who may be in groups and have that name: of those who are known, else of the first pages
/// of Slack's list. None if Slack does not answer.
net::Task<std::vector<UserId>> namesakes(Context& context, std::string name);

struct MapOptions {
  /// Slack is asked whether the user may be in a group; if not, an id is needed.
  bool verify = true;
  /// Asked in the transaction that writes the mapping: its error refuses it. It owns what it uses; may be
  /// empty.
  std::function<Result<void>(store::Store&)> unless{};
};

/// Says which Slack user a person is: from then on he is found so, whatever his e-mail address. `person`:
/// e-mail address, or "connection/id" (`not_found` for an unknown connection). `user`: id or e-mail address.
/// Returns the mapping.
net::Task<Result<store::Mapping>> map_person(Workspace& workspace, Caller caller, std::string person,
                                             std::string user, MapOptions options = {});
/// Forgets a mapping and returns what it was known by; `not_found`.
net::Task<Result<std::string>> unmap_person(Context& context, Caller caller, std::string person);

}  // namespace watchbill::control
