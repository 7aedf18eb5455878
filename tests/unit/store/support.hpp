#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "store/sqlite/sqlite_store.hpp"
#include "store/store.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::store {

/// A private folder that goes with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "watchbill-store-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string database() const { return path_ + "/watchbill.db"; }
  [[nodiscard]] std::string key() const { return path_ + "/key"; }
  [[nodiscard]] OpenOptions options() const { return {.path = database(), .key_file = key()}; }

 private:
  std::string path_;
};

/// The value, or a failed test that says why there is none.
template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}
inline void must(const Result<void>& result) {
  if (!result) FAIL(result.error().message);
}

template <class T>
Error error_of(const Result<T>& result) {
  if (result.ok()) FAIL("an error was expected");
  return result.error();
}

inline std::unique_ptr<Store> open_store(const TempFolder& folder) {
  return must(Store::open(folder.options()));
}

inline Database& database_of(Store& store) {
  return static_cast<SqliteStore&>(store).database();
}

/// The bytes of all files of the database, as they are on disk now.
inline std::string bytes_on_disk(const TempFolder& folder) {
  std::string all;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::ifstream file(folder.database() + suffix, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    all += content.str();
  }
  return all;
}

inline bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline Instant at(std::int64_t second) {
  return Instant(seconds(second));
}

inline Connection pagerduty() {
  return {.name = "pd",
          .kind = "pagerduty",
          .settings = {{"region", "eu"}},
          .secrets = {{"api_key", Secret("u+very-secret-key")}}};
}

/// Every field differs from its default.
inline Rotation full_rotation(const std::string& name = "Payments", const std::string& group = "S1") {
  Rotation r;
  r.name = name;
  r.group = GroupId(group);
  r.handle = "payments-oncall";
  r.schedules = {{{"pd", "P2"}, "secondary", true}, {{"pd", "P1"}, "", false}};
  r.mode = Mode::observe;
  r.membership = Membership::merge;
  r.drift = Drift::report;
  r.paused = true;
  r.channels = {ChannelId("C2"), ChannelId("C1")};
  r.permanent_members = {UserId("U9"), UserId("U3")};
  r.empty = Empty::fallback;
  r.fallback_members = {UserId("U7")};
  r.empty_alert = false;
  r.announce = {false, "{{rotation}} \"quoted\" \n ünïcode", Mention::all, 90min};
  r.owners = {"U1", "S5"};
  r.alert_channel = ChannelId("C7");
  r.managed_by = "file:rotations.yaml";
  return r;
}

/// A rotation with nothing but what it needs.
inline Rotation plain_rotation(const std::string& name, const std::string& group) {
  Rotation r;
  r.name = name;
  r.group = GroupId(group);
  r.schedules = {{{"pd", "P1"}}};
  return r;
}

inline OnCallPerson person(const std::string& id) {
  return {.responder = {"pd", id, "Name of " + id, id + "@example.com"},
          .schedule = {"pd", "P1"},
          .schedule_label = "primary",
          .member = UserId("U" + id),
          .since = at(1000),
          .until = kNever};
}

inline Change open_change(RotationId rotation, Instant when = at(1)) {
  Change change;
  change.at = when;
  change.rotation = rotation;
  change.rotation_name = "one";
  change.group = GroupId("S1");
  return change;
}

inline OutboxRow announcement(RotationId rotation, const std::string& key) {
  OutboxRow row;
  row.rotation = rotation;
  row.channel = ChannelId("C1");
  row.key = key;
  return row;
}

}  // namespace watchbill::store
