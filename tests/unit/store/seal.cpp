#include "store/seal.hpp"

#include <sys/stat.h>

#include "store/files.hpp"
#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

Sealer sealer(char fill) {
  return must(Sealer::from_key(Secret(std::string(32, fill)), "the test's key"));
}

const SecretPlace kHere{"connection_secrets", "pd", "api_key"};

}  // namespace

TEST_CASE("a sealed value opens again, and only there") {
  const Sealer key = sealer('k');
  for (const auto& text :
       {std::string(), std::string("token"), std::string(5000, 'x'), std::string("\0\xff", 2)}) {
    const Sealed sealed = key.seal(Secret(text), kHere);
    CHECK(must(key.open(sealed, kHere)).reveal() == text);
    for (const SecretPlace& elsewhere :
         {SecretPlace{"other", "pd", "api_key"}, SecretPlace{"connection_secrets", "pd2", "api_key"},
          SecretPlace{"connection_secrets", "pd", "api_secret"},
          // Sealed without a purpose, it is not for one.
          SecretPlace{"connection_secrets", "pd", "api_key", "pagerduty"},
          // The same letters, cut differently.
          SecretPlace{"connection_secrets", "pdapi", "_key"}}) {
      CHECK(error_of(key.open(sealed, elsewhere)).code == "corrupt");
    }
  }
}

TEST_CASE("a secret opens for the kind and the addresses that it was sealed for, and no others") {
  const Sealer key = sealer('k');
  Connection connection{"pd", "pagerduty", {{"region", "us"}, {"base_url", "https://a"}, {"note", "x"}}};
  const auto place = [](const Connection& of) {
    return SecretPlace{"connection_secrets", "pd", "api_key", purpose_of(of)};
  };
  const Sealed sealed = key.seal(Secret("token"), place(connection));
  CHECK_FALSE(key.open(sealed, kHere));
  auto other = connection;
  other.settings["note"] = "y";
  CHECK(must(key.open(sealed, place(other))).reveal() == "token");
  for (const auto setting : kAddressSettings) {
    other = connection;
    other.settings[std::string(setting)] += "x";
    CHECK_FALSE(key.open(sealed, place(other)));
    other.settings.erase(std::string(setting));
    CHECK(key.open(sealed, place(other)).ok() == !connection.settings.contains(std::string(setting)));
  }
  other = connection;
  other.kind = "opsgenie";
  CHECK_FALSE(key.open(sealed, place(other)));
}

TEST_CASE("every flipped bit of a sealed value is noticed") {
  const Sealer key = sealer('k');
  const Sealed sealed = key.seal(Secret("token"), kHere);
  for (std::size_t i = 0; i < sealed.bytes.size(); ++i) {
    Sealed changed = sealed;
    changed.bytes[i] = static_cast<char>(changed.bytes[i] ^ 1);
    CHECK_FALSE(key.open(changed, kHere));
  }
  for (std::size_t size = 0; size < sealed.bytes.size(); ++size) {
    CHECK_FALSE(key.open({sealed.key_id, sealed.bytes.substr(0, size)}, kHere));
  }
}

TEST_CASE("sealing twice gives different bytes, none of them the secret") {
  const Sealer key = sealer('k');
  const Sealed one = key.seal(Secret("very-secret"), kHere);
  const Sealed two = key.seal(Secret("very-secret"), kHere);
  CHECK(one.bytes != two.bytes);
  CHECK_FALSE(mentions(one.bytes, "very-secret"));
  CHECK_FALSE(mentions(one.bytes, "secret"));
}

TEST_CASE("another key is named as such") {
  const Sealer mine = sealer('k');
  const Sealer other = sealer('o');
  CHECK(mine.key_id() != other.key_id());
  CHECK(mine.key_id().size() == 16);
  const auto error = error_of(other.open(mine.seal(Secret("token"), kHere), kHere));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, mine.key_id()));
  CHECK(mentions(error.message, other.key_id()));
  CHECK(mentions(error.message, "the test's key"));
}

TEST_CASE("a key is 32 bytes or 64 hexadecimal digits, and nothing else") {
  const std::string digits(64, 'a');
  const auto plain = must(Sealer::from_key(Secret(digits), "it"));
  CHECK(must(Sealer::from_key(Secret("  " + digits + "\n"), "it")).key_id() == plain.key_id());
  CHECK(must(Sealer::from_key(Secret(std::string(32, '\xaa')), "it")).key_id() == plain.key_id());
  for (const auto& bad : {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'),
                          std::string(31, 'x'), std::string(63, 'a') + "g"}) {
    const auto error = error_of(Sealer::from_key(Secret(bad), "the credential watchbill-key"));
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(mentions(error.message, "the credential watchbill-key"));
    if (bad.size() > 3) CHECK_FALSE(mentions(error.message, bad));
  }
}

TEST_CASE("a created key file is private, stays, and leaves no draft beside it") {
  TempFolder folder;
  CHECK(error_of(Sealer::from_file(folder.key())).kind == ErrorKind::not_found);
  const auto created = must(Sealer::create_file(folder.key()));
  struct stat found {};
  REQUIRE(stat(folder.key().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0600U);
  CHECK(must(Sealer::from_file(folder.key())).key_id() == created.key_id());
  // Whoever comes second takes the first one's key.
  CHECK(must(Sealer::create_file(folder.key())).key_id() == created.key_id());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  TempFolder other;
  CHECK(must(Sealer::create_file(other.key())).key_id() != created.key_id());
}

TEST_CASE("a key file that others can read is refused with the command that mends it") {
  TempFolder folder;
  (void)must(Sealer::create_file(folder.key()));
  REQUIRE(chmod(folder.key().c_str(), 0640) == 0);
  const auto error = error_of(Sealer::from_file(folder.key()));
  CHECK(error.kind == ErrorKind::forbidden);
  CHECK(mentions(error.message, "chmod 600 " + folder.key()));
}

TEST_CASE("a key file or a store below a folder that others may write is refused, as by ssh") {
  TempFolder folder;
  const auto middle = folder.path() + "/middle";
  const auto inner = middle + "/inner";
  std::filesystem::create_directories(inner);
  REQUIRE(chmod(inner.c_str(), 0700) == 0);
  REQUIRE(chmod(middle.c_str(), 0755) == 0);
  const auto id = must(Sealer::create_file(inner + "/key")).key_id();
  const auto link = folder.path() + "/link";
  std::filesystem::create_directory_symlink(inner, link);
  for (const mode_t loose : {0777U, 0775U}) {
    REQUIRE(chmod(middle.c_str(), loose) == 0);
    for (const auto& place : {inner, link}) {
      INFO(place);
      const auto error = error_of(Sealer::from_file(place + "/key"));
      CHECK(error.kind == ErrorKind::forbidden);
      CHECK(mentions(error.message, "`chmod go-w " + middle + "`"));
      CHECK(error_of(Sealer::create_file(place + "/other")).kind == ErrorKind::forbidden);
      CHECK(error_of(prepare_folder(place)).kind == ErrorKind::forbidden);
    }
  }
  // In a sticky folder, such as /tmp, others cannot move what is ours.
  REQUIRE(chmod(middle.c_str(), 01777) == 0);
  CHECK(must(Sealer::from_file(link + "/key")).key_id() == id);
  CHECK(prepare_folder(inner));
  if (geteuid() != 0) return;
  REQUIRE(chown(middle.c_str(), 54321, 54321) == 0);
  CHECK(mentions(error_of(Sealer::from_file(inner + "/key")).message, "`chown root " + middle + "`"));
}

TEST_CASE("a key file in a folder that others may write is refused with the command that mends it") {
  TempFolder folder;
  const auto inner = folder.path() + "/keys";
  std::filesystem::create_directory(inner);
  const auto file = inner + "/key";
  REQUIRE(chmod(inner.c_str(), 0755) == 0);
  const auto id = must(Sealer::create_file(file)).key_id();
  const auto link = folder.path() + "/link";
  std::filesystem::create_symlink(file, link);
  for (const mode_t loose : {0775U, 0757U, 01777U}) {
    REQUIRE(chmod(inner.c_str(), loose) == 0);
    for (const auto& path : {file, link}) {
      const auto error = error_of(Sealer::from_file(path));
      CHECK(error.kind == ErrorKind::forbidden);
      CHECK(mentions(error.message, "`chmod go-w " + inner + "`"));
    }
    CHECK(error_of(Sealer::create_file(inner + "/other")).kind == ErrorKind::forbidden);
  }
  REQUIRE(chmod(inner.c_str(), 0755) == 0);
  CHECK(must(Sealer::from_file(link)).key_id() == id);
  if (geteuid() != 0) return;
  REQUIRE(chown(inner.c_str(), 54321, 54321) == 0);
  const auto error = error_of(Sealer::from_file(file));
  CHECK(error.kind == ErrorKind::forbidden);
  CHECK(mentions(error.message, "`chown root " + inner + "`"));
}
