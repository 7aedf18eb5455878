#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sandbox/schedules.hpp"
#include "sandbox/servers.hpp"

/// The xMatters REST API (help.xmatters.com/xmapi).
namespace watchbill::sandbox {

struct XMattersCall {
  Context context;
  const net::ServerRequest& request;
  std::vector<std::string> path;

  [[nodiscard]] const Roster& roster() const { return context.world.roster(System::xmatters); }
  [[nodiscard]] Asked asked() const { return {context.now, roster().lag}; }
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
    return request.query_value(name);
  }
  [[nodiscard]] bool embeds(std::string_view what) const;
};

Answer xmatters_ok(json::Writer& w);
/// {"code","reason","message"}
Answer xmatters_error(int status, std::string_view message);

struct XMattersPage {
  std::size_t limit = 100;
  std::size_t offset = 0;
};
/// Nothing if `limit` or `offset` is refused.
std::optional<XMattersPage> xmatters_page(const XMattersCall& call);
/// {"count","total","links","data":[ ... the caller closes list and object. Links are relative.
void begin_list(json::Writer& w, const XMattersCall& call, XMattersPage page, std::size_t total);
/// A person without the closing brace. He has no e-mail field: addresses are devices.
void begin_person(json::Writer& w, const Responder& person);

/// A group by id or name, or null.
const Schedule* group_named(const XMattersCall& call, const std::string& text);

Answer xmatters_on_call(const XMattersCall& call);
/// GET /groups/{g}/shifts/{s}/occurrences/{start}/members
Answer xmatters_members(const XMattersCall& call, const std::string& group, const std::string& shift,
                        const std::string& start);

}  // namespace watchbill::sandbox
