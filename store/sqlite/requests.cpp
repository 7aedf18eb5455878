#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

Error no_request(std::int64_t id) {
  return fail(ErrorKind::not_found, "there is no request {}", id);
}

class SqliteRequests : public Requests {
 public:
  explicit SqliteRequests(Database& database) : db_(database) {}

  Result<std::int64_t> ask(const std::string& kind, const std::string& payload, Instant until) override {
    auto done = db_.execute("INSERT INTO requests(kind, payload, at, until) VALUES (?1, ?2, ?3, ?4)", kind,
                            payload, wall_clock(), until);
    if (!done) return done.error();
    return db_.last_id();
  }

  Result<std::vector<Request>> open_requests() override {
    std::vector<Request> found;
    auto done = db_.query("SELECT id, kind, payload, at FROM requests WHERE answer IS NULL ORDER BY id",
                          [&found](const Row& row) -> Result<void> {
                            auto& request = found.emplace_back();
                            Columns columns(row);
                            columns.plain(request.id).plain(request.kind).plain(request.payload);
                            columns.plain(request.at);
                            return {};
                          });
    if (!done) return done.error();
    return found;
  }

  Result<void> answer(std::int64_t id, const std::string& answer) override {
    auto done = db_.execute("UPDATE requests SET answer = ?2, answered_at = ?3 WHERE id = ?1", id, answer,
                            wall_clock());
    if (!done) return done;
    if (db_.changes() == 1) return {};
    return no_request(id);
  }

  Result<void> renew(std::int64_t id, Instant until) override {
    return db_.execute("UPDATE requests SET until = ?2 WHERE id = ?1 AND answer IS NULL", id, until);
  }

  Result<bool> is_waited_for(std::int64_t id, Instant at) override {
    auto found = db_.value<bool>("SELECT answer IS NULL AND until > ?2 FROM requests WHERE id = ?1", id, at);
    if (!found) return found.error();
    if (!*found) return no_request(id);
    return **found;
  }

  Result<void> withdraw(std::int64_t id) override {
    return db_.execute("UPDATE requests SET answer = ?2, answered_at = ?3 WHERE id = ?1 AND answer IS NULL",
                       id, R"({"ok":false,"error":"withdrawn","code":"withdrawn"})", wall_clock());
  }

  Result<std::optional<std::string>> answer_of(std::int64_t id) override {
    auto found = db_.value<std::optional<std::string>>("SELECT answer FROM requests WHERE id = ?1", id);
    if (!found) return found.error();
    if (!*found) return no_request(id);
    return std::move(**found);
  }

 private:
  Database& db_;
};

}  // namespace

std::unique_ptr<Requests> make_requests(Database& database) {
  return std::make_unique<SqliteRequests>(database);
}

}  // namespace watchbill::store
