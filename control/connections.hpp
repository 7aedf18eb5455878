#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "providers/provider.hpp"

/// Connections to scheduling systems: their input cleaned, their credentials tried, kept, and opened.
namespace watchbill::control {

/// What credentials are tried with: there may be no store yet.
struct ConnectionContext {
  net::Loop& loop;
  net::HttpClient& http;
  const config::Config& config;
};
inline ConnectionContext connection_context(const Context& context) {
  return {context.loop, context.http, context.config};
}

/// What a person gave, by the option's flag ("api-key-file", "host"). A secret is the secret itself, not the
/// name of its file.
struct ConnectionInput {
  std::map<std::string, std::string> texts{};
  std::map<std::string, Secret> secrets{};
  [[nodiscard]] bool has(const std::string& flag) const {
    return texts.contains(flag) || secrets.contains(flag);
  }
};

/// Puts what was given into a connection (of which kind and name are set). An empty text removes a setting.
/// What new credentials replace goes: the kinds of credentials exclude each other, tokens belong to what they
/// were got with, and an address that follows from the region goes with it. `invalid` for an option that the
/// kind does not have.
Result<Connection> with_input(Connection connection, const ConnectionInput& input);

/// The flag of the option that an error is about ("host"); empty if it names none. For showing the error at
/// its field.
std::string option_of(const Error& error);

/// A provider and what it needs to live.
struct OpenProvider {
  Connection connection;
  std::unique_ptr<providers::TokenKeeper> tokens;
  std::unique_ptr<providers::Provider> provider;
};
/// For credentials that are not stored yet: tokens renewed meanwhile land in the `connection` of the result.
/// Checks and cleans the settings; the error names the option.
Result<std::unique_ptr<OpenProvider>> open_new(const ConnectionContext& reach, Connection connection);
/// For a connection from the store, which the daemon may be using too: `conflict` while the daemon is about
/// to renew its token (a refresh token works once).
Result<std::unique_ptr<OpenProvider>> open_stored(Context& context, Connection connection);

/// Credentials that were tried. Without `opened` and `refused`: they were not.
struct Tried {
  Connection connection;                ///< cleaned, with renewed tokens
  std::optional<std::string> opened{};  ///< what they open ("acme, as Ada Example")
  std::optional<Error> refused{};       ///< why they do not work
};
/// A stored connection as it is now, and what a person gives for it.
struct Replaced {
  Connection stored;
  ConnectionInput given;
};
struct TryOptions {
  bool verify = true;
  /// For one that is stored. Its secrets were given for its address: they are not taken to another one, so
  /// `invalid` if the address changes and a secret was not given anew.
  std::optional<Replaced> replaces{};
  /// After this the trying is given up (`timeout`). None: as long as the adapter waits.
  std::optional<milliseconds> deadline{};
};
/// Cleans the connection and tries its credentials. An error means that they were not tried: `forbidden` if
/// the caller may not connect, `invalid` for a bad input (see `option_of`). Nothing is stored.
net::Task<Result<Tried>> try_connection(ConnectionContext reach, Caller caller, Connection connection,
                                        TryOptions options);

/// `conflict` if the name is taken; the message says how that one is changed.
Result<void> refuse_taken_name(store::Store& store, const std::string& name);
/// "pagerduty", "pagerduty-2", …: a name that is free.
Result<std::string> free_name(store::Store& store, const std::string& kind);

/// Stores a new connection, sealed. `conflict` if the name is taken.
net::Task<Result<void>> add_connection(Context& context, Caller caller, Connection connection);
/// Swaps settings and secrets of a stored one in one step; rotations that use it are not touched.
net::Task<Result<void>> update_connection(Context& context, Caller caller, Connection connection);
/// `conflict` while rotations use it; the message names them.
net::Task<Result<void>> remove_connection(Context& context, Caller caller, std::string name);

/// The schedules, in the order of the question, each with its id: one may be written by a name that is unique
/// (`written_schedule`). `not_found` names the first that does not exist, `invalid` one whose name several
/// have. The systems are asked at the same time; `verify` false asks none and only looks whether the
/// connections are there.
net::Task<Result<std::vector<ScheduleRef>>> find_schedules(Context& context,
                                                           std::vector<ScheduleRef> schedules, bool verify);

/// What a connection's system has, or why that is not known.
struct ConnectionSchedules {
  std::string connection;
  Result<std::vector<providers::ScheduleInfo>> listed;
};
/// Asks all of these at the same time. The answers are in the order of the question.
net::Task<std::vector<ConnectionSchedules>> list_schedules(Context& context,
                                                           std::vector<Connection> connections);

}  // namespace watchbill::control
