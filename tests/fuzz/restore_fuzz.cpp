#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "store/backup.hpp"
#include "store/sqlite/migrations.hpp"

// libFuzzer target: what is restored. The first byte picks: a row of changes to columns of a good backup
// (each a byte for the column, one for the row, and the value up to the next 0xff), or bytes put over those
// of its file at the places that the input names. Whatever it is, it is refused, or restored and read to its
// end; and no secret opens for another address than its own.

namespace {

using namespace watchbill;
using namespace watchbill::store;
namespace fs = std::filesystem;

constexpr auto* kAddress = "https://api.opsgenie.com";

void require(bool true_) {
  if (!true_) std::abort();
}

struct Column {
  std::string table;
  std::string name;
};

/// A backup with something in it, made once, and the store that it is restored to.
class World {
 public:
  World() {
    std::string pattern = (fs::temp_directory_path() / "watchbill-fuzz-XXXXXX").string();
    require(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    options_ = {folder_ + "/s/watchbill.db", folder_ + "/s/key"};
    {
      auto store = Store::open(options_);
      require(store.ok());
      Connection connection{"og", "opsgenie", {{"base_url", kAddress}}, {{"api_key", Secret("secret")}}};
      require((*store)->connections().add(connection, "fuzz").ok());
      Rotation rotation;
      rotation.name = "Payments";
      rotation.group = GroupId{"S1"};
      rotation.schedules = {{ScheduleRef{"og", "s"}}};
      auto id = (*store)->rotations().add(rotation, false, std::nullopt, "fuzz");
      require(id.ok());
      OutboxRow row;
      row.rotation = *id;
      row.channel = ChannelId{"C1"};
      row.key = "k";
      require((*store)->outbox().add(row).ok());
      require((*store)->requests().ask("sync", "{}", kNever).ok());
    }
    require(back_up(options_, good(), true).ok());
    // Without the hash at its end, which nobody gets past.
    fs::resize_file(good(), fs::file_size(good()) - 102);
    auto database = Database::open(good(), 0ms);
    require(database.ok());
    auto listed = database->query(
        "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND "
        "m.name "
        "NOT LIKE 'sqlite_%'",
        [this](const Row& one) -> Result<void> {
          columns_.push_back({one.get<std::string>(0), one.get<std::string>(1)});
          return {};
        });
    require(listed.ok() && !columns_.empty());
  }
  ~World() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] std::string good() const { return folder_ + "/good.db"; }
  [[nodiscard]] std::string altered() const { return folder_ + "/altered.db"; }
  [[nodiscard]] const OpenOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }

  /// As it was before any restore, but for the key.
  void reset() const {
    for (const auto& entry : fs::directory_iterator(folder_ + "/s")) {
      if (entry.path().filename() != "key") fs::remove(entry.path());
    }
    fs::copy_file(good(), altered(), fs::copy_options::overwrite_existing);
  }

 private:
  std::string folder_;
  OpenOptions options_;
  std::vector<Column> columns_;
};

void change_columns(const World& world, std::string_view input) {
  auto database = Database::open(world.altered(), 0ms);
  require(database.ok());
  require(database->script("PRAGMA synchronous = OFF").ok());
  while (input.size() > 2) {
    const auto& column = world.columns()[static_cast<unsigned char>(input[0]) % world.columns().size()];
    const int form = static_cast<unsigned char>(input[1]) % 3;
    const auto end = std::min(input.find('\xff', 2), input.size());
    const auto text = input.substr(2, end - 2);
    std::int64_t number = 0;
    std::copy_n(text.begin(), std::min(text.size(), sizeof(number)), reinterpret_cast<char*>(&number));
    const auto sql = fmt::format("UPDATE OR REPLACE {} SET {} = ?1", column.table, column.name);
    // What the column's type forbids is not written.
    (void)(form == 0   ? database->execute(sql, text)
           : form == 1 ? database->execute(sql, number)
                       : database->execute(sql, Blob{std::string(text)}))
        .ok();
    input.remove_prefix(std::min(end + 1, input.size()));
  }
}

void change_bytes(const World& world, std::string_view input) {
  std::fstream file(world.altered(), std::ios::in | std::ios::out | std::ios::binary);
  const auto size = fs::file_size(world.altered());
  for (; input.size() >= 4; input.remove_prefix(4)) {
    std::uint32_t at = 0;
    std::copy_n(input.begin(), 3, reinterpret_cast<char*>(&at));
    file.seekp(static_cast<std::streamoff>(at % size));
    file.put(input[3]);
  }
}

void read_to_the_end(Store& store) {
  if (auto all = store.connections().list()) {
    for (const auto& connection : *all) {
      if (connection.secrets.empty()) continue;
      require(connection.kind == "opsgenie");
      require(addresses_of(connection) == std::map<std::string, std::string>{{"base_url", kAddress}});
    }
  }
  (void)store.rotations().list().ok();
  (void)store.engine().records().ok();
  (void)store.engine().states().ok();
  (void)store.engine().statuses().ok();
  (void)store.engine().groups().ok();
  (void)store.history().list({}).ok();
  (void)store.history().audit({}).ok();
  (void)store.outbox().open_rows().ok();
  (void)store.people().mappings().ok();
  (void)store.people().users().ok();
  (void)store.people().unmatched().ok();
  (void)store.problems().list().ok();
  (void)store.requests().open_requests().ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  if (size == 0 || size > 10'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  world.reset();
  if (data[0] % 2 == 0) {
    change_columns(world, text);
  } else {
    change_bytes(world, text);
  }
  auto prepared = Restore::prepare(world.options(), world.altered());
  if (!prepared) return 0;
  require((*prepared)->proof() == Proof::none);
  if (!(*prepared)->carry_out("fuzz", Instant{seconds{1772358000}})) return 0;
  prepared->reset();
  if (auto store = Store::open(world.options())) read_to_the_end(**store);
  return 0;
}
