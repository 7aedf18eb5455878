#include "cli/commands/rotation_text.hpp"

#include <random>

#include "base/text.hpp"
#include "control/rotation_json.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

/// Texts that a YAML file could lose or misread.
const std::vector<std::string> kAwkward{"payments",   "true",
                                        "null",       "~",
                                        "123",        "1e5",
                                        "- dash",     "a: b",
                                        "#channel",   "@at",
                                        "\"quoted\"", "it's",
                                        "Zoë 田中 🎉", "{{incoming}} takes over\n\n  until {{until}}  \n",
                                        "tab\there",  "back\\slash",
                                        "{a: 1}",     "[x]",
                                        "%percent",   "&anchor *alias",
                                        "!tag",       "yes",
                                        "0x1F",       " "};

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  Rotation rotation() {
    Rotation r;
    r.name = any(kAwkward) + fmt::format("{}", next(1000));
    r.group = GroupId(fmt::format("S{}", next(1000)));
    r.handle = fmt::format("handle-{}", next(1000));
    for (int i = 0; i <= next(3); ++i) {
      RotationSchedule schedule{{fmt::format("conn{}", i), fmt::format("ID/{} x{}", i, next(100))}};
      if (next(2)) schedule.label = any(kAwkward);
      schedule.required = next(2) == 1;
      r.schedules.push_back(schedule);
    }
    r.mode = next(2) ? Mode::keep : Mode::observe;
    r.membership = next(2) ? Membership::exact : Membership::merge;
    r.drift = next(2) ? Drift::repair : Drift::report;
    r.paused = next(2) == 1;
    for (int i = 0; i < next(3); ++i) r.channels.emplace_back(fmt::format("C{}", i));
    for (int i = 0; i < next(3); ++i) r.permanent_members.emplace_back(fmt::format("U{}", i));
    for (int i = 0; i < next(3); ++i) r.fallback_members.emplace_back(fmt::format("W{}", i));
    for (int i = 0; i < next(3); ++i) r.owners.push_back(fmt::format("S{}", i));
    r.empty = static_cast<Empty>(next(3));
    const auto alert = next(2) == 1;
    if (alert != (r.empty == Empty::keep)) r.empty_alert = alert;
    r.announce.enabled = next(2) == 1;
    if (next(2)) r.announce.text_template = any(kAwkward);
    r.announce.mention = static_cast<Mention>(next(3));
    const std::vector<milliseconds> ages{6h, 90min, 45s, 1500ms, 48h};
    r.announce.max_age = any(ages);
    if (next(2)) r.alert_channel = ChannelId("C0ALERTS");
    r.managed_by = next(2) ? "cli" : "file:/etc/watchbill/rotations.yaml";
    return r;
  }

 private:
  int next(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  template <class T>
  const T& any(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(next(static_cast<int>(values.size())))];
  }
  std::mt19937 random_;
};

std::string error_of(const std::string& text) {
  auto read = read_rotations(text, "r.yaml");
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::invalid);
  return read.error().message;
}

}  // namespace

TEST_CASE("any rotation survives JSON and YAML files") {
  for (unsigned seed = 0; seed < 500; ++seed) {
    INFO("seed " << seed);
    const auto rotation = Maker(seed).rotation();
    auto from_json = read_rotations(control::rotations_json({rotation}), "r.json");
    REQUIRE(from_json);
    CHECK(from_json->at(0).rotation == rotation);

    auto from_yaml = read_rotations(rotations_yaml({rotation}), "r.yaml");
    INFO(rotations_yaml({rotation}));
    REQUIRE(from_yaml);
    auto expected = rotation;
    expected.managed_by = Rotation{}.managed_by;  // left out: whose it becomes is told by who applies it
    CHECK(from_yaml->at(0).rotation == expected);
  }
}

TEST_CASE("an exported file of no rotations can be read") {
  auto read = read_rotations(rotations_yaml({}), "r.yaml");
  REQUIRE(read);
  CHECK(read->empty());
}

TEST_CASE("groups may be written in four ways") {
  const auto group_of = [](const std::string& group) {
    auto read =
        read_rotations("version: 1\nrotations:\n- {name: a, group: " + group + ", schedules: [pd/X]}\n", "f");
    REQUIRE(read);
    return read->at(0).rotation;
  };
  CHECK(group_of("\"@pay\"").handle == "pay");
  CHECK(group_of("S1").group == GroupId("S1"));
  CHECK(group_of("{handle: pay}").handle == "pay");
  CHECK(group_of("{id: S1, handle: \"@pay\"}").group == GroupId("S1"));
}

TEST_CASE("every mistake in a file is told with its line and column") {
  const auto errors = error_of(
      "version: 1\n"
      "rotations:\n"
      "  - name: a\n"
      "    group: S1\n"
      "    schedules: [pd/A]\n"
      "    chanels: [C1]\n"
      "    mode: keeep\n"
      "    announce: {mention: nobody, max_age: soon}\n"
      "  - name: b\n"
      "    schedules: {x: 1}\n");
  CHECK(errors.find("r.yaml:6:5: chanels: unknown key; did you mean \"channels\"?") != std::string::npos);
  CHECK(errors.find("r.yaml:7:11: mode: ") != std::string::npos);
  CHECK(errors.find("r.yaml:8:25: announce.mention: ") != std::string::npos);
  CHECK(errors.find("r.yaml:8:42: announce.max_age: ") != std::string::npos);
  CHECK(errors.find("r.yaml:10:16: schedules: must be a list") != std::string::npos);
}

TEST_CASE("files that are no rotation files are refused") {
  CHECK(error_of("").find("version: 1") != std::string::npos);
  CHECK(error_of("rotations: []").find("version: is missing") != std::string::npos);
  CHECK(error_of("version: 2\nrotations: []").find("r.yaml:1:10: version: only version 1") !=
        std::string::npos);
  CHECK(error_of("version: 1").find("rotations: is missing") != std::string::npos);
  CHECK(error_of("- a").find("key: value") != std::string::npos);
  CHECK(
      error_of("version: 1\nrotations:\n- {name: a, group: S1}").find("r.yaml:3:3: schedules: is missing") !=
      std::string::npos);
  CHECK(error_of("version: 1\nversion: 1\nrotations: []").find("stands there twice") != std::string::npos);
  CHECK(error_of("a: [").find("r.yaml:") == 0);
  CHECK(error_of("version: 1\n---\nversion: 1").find("2 YAML documents") != std::string::npos);
}

TEST_CASE("what no YAML begins with is refused, and not read for ever") {
  CHECK(error_of(",") == "r.yaml:1:1: no YAML begins like this");
  CHECK(error_of("&,").starts_with("r.yaml:1:2: "));
  CHECK(error_of("# " + std::string(1024 * 1024, 'x')) == "r.yaml: is longer than 1048576 bytes");
}

TEST_CASE("what a file says cannot add a line to its errors") {
  const auto error = error_of("version: 1\nrotations:\n- {\"a\\nb\\u202e\": 1, mode: \"x\\ny\"}\n");
  CHECK(error.find("\xE2\x80\xAE") == std::string::npos);
  std::size_t lines = 0;
  for (std::size_t at = 0; at != std::string::npos; at = error.find('\n', at + 1), ++lines)
    CHECK(error.substr(at == 0 ? 0 : at + 1).starts_with("r.yaml:"));
  CHECK(lines == 2);
}

TEST_CASE("an export shows no control of direction, and keeps every text") {
  Rotation rotation;
  rotation.name =
      "on\xE2\x80\xAE"
      "call \xC2\x9B Zo\xC3\xAB";
  rotation.group = GroupId("S1");
  rotation.handle = "oncall";
  rotation.schedules = {{*parse_schedule_ref("pd/P1"), "a\xE2\x81\xA6", false}};
  rotation.announce.text_template = "line\nline \xE2\x80\xA8 end";
  rotation.owners = {"\xD8\x9C"};
  const auto yaml = cli::rotations_yaml({rotation});
  auto visible = yaml;
  std::erase(visible, '\n');
  CHECK_FALSE(has_control(visible));
  const auto back = cli::read_rotations(yaml, "r.yaml");
  REQUIRE(back);
  const auto& read = back->at(0).rotation;
  CHECK(read.name == rotation.name);
  CHECK(read.schedules[0].label == rotation.schedules[0].label);
  CHECK(read.announce.text_template == rotation.announce.text_template);
  CHECK(read.owners == rotation.owners);
}

TEST_CASE("schedules reserved for later are refused by name") {
  for (const auto* ref : {"pd/policy:P1", "pd/P1#", "local/x", "rotation:other"}) {
    const auto error =
        error_of(fmt::format("version: 1\nrotations:\n- {{name: a, group: S1, schedules: [\"{}\"]}}\n", ref));
    INFO(error);
    CHECK(error.find("r.yaml:3:36: schedules: ") != std::string::npos);
  }
}

namespace {

std::string rotation_with(const std::string& lines) {
  return "version: 1\nrotations:\n  - name: Payments\n    group: \"@oncall-0\"\n    schedules: "
         "[og/sch-0000]\n" +
         lines;
}

}  // namespace

TEST_CASE("what YAML takes for a comment is no empty value") {
  const std::string advice = "write \"#payments\" in quotes: in YAML '#' begins a comment";
  CHECK(error_of(rotation_with("    channels: #payments\n")) == "r.yaml:6:5: channels: " + advice);
  CHECK(error_of(rotation_with("    channels: #payments\n    mode: keep\n")) ==
        "r.yaml:6:5: channels: " + advice);
  CHECK(error_of(rotation_with("    alert_channel: #payments\n")) == "r.yaml:6:5: alert_channel: " + advice);
  CHECK(error_of(rotation_with("    channels:\n      - #payments\n      - \"#ops\"\n"))
            .find(": channels: " + advice) != std::string::npos);
  CHECK(error_of(rotation_with("    channels:\n      - \"#ops\"\n      - #payments\n"))
            .find(": channels: " + advice) != std::string::npos);
  CHECK(error_of(rotation_with("    channels: [#payments]\n")).find(": in line 6 " + advice) !=
        std::string::npos);
  CHECK(error_of(rotation_with("    channels: [\"#ops\", #payments]\n")).find(": in line 6 " + advice) !=
        std::string::npos);
  // These are comments.
  for (const auto* lines : {"    channels: # payments, later\n", "    channels:\n    # - \"#payments\"\n",
                            "    channels: []  #payments\n", "    channels: [\"#a\"] #payments\n",
                            "    channels:\n", "    alert_channel: null #payments\n"})
    CHECK(read_rotations(rotation_with(lines), "r.yaml"));
}

TEST_CASE("YAML that people write is answered with what to write instead") {
  const auto says = [](const std::string& text, const std::string& advice) {
    INFO(text);
    CHECK_THAT(error_of(text), Catch::Matchers::ContainsSubstring(advice));
  };
  const std::string start = "version: 1\nrotations:\n";
  says(start + "  - name: a\n    group: @oncall-0\n    schedules: [pd/X]\n",
       "r.yaml:4:12: unknown token: write \"@oncall-0\" in quotes: in YAML no text begins with '@'");
  says(start + "  - name: a\n    group: \"@a\"\n    schedules: [pd/X]\n    owners: [@ada]\n",
       "write \"@ada\" in quotes");
  says(start + "\t- name: a\n\t  group: \"@a\"\n", "line 3 begins with a tab; indent with spaces");
  says(start + "  - name: a\n  \tgroup: \"@a\"\n", "line 4 begins with a tab; indent with spaces");
  says("version: 1\nx: &d {empty: keep}\nrotations:\n- <<: *d\n  name: a\n  group: S1\n  schedules: [pd/X]\n",
       "<<: merge keys are not read");
  says(rotation_with("---\nversion: 1\n"), "take out the lines \"---\"");
  says(start + "  Payments:\n    group: S1\n", "begin each rotation with \"- name: …\"");
  says(start + "- {name: a, group: oncall-0, schedules: [pd/X]}\n", "write \"@oncall-0\" with the quotes");
  says(rotation_with("    permanent_members: lead@corp.example\n"), "write [\"lead@corp.example\"]");
  says(rotation_with("    paused: \"no\"\n"), "must be true or false: write false");
  says(rotation_with("    announce: off\n"), "write {enabled: false} for none");
  says(std::string("\xFF\xFEv\0e\0", 6), "UTF-16");
  // Anchors, aliases, a byte order mark and line ends of Windows are right.
  CHECK(read_rotations(
      start + "- &b\n  name: a\n  group: S1\n  schedules: [pd/X]\n  channels: &ch [C1]\n- {name: b, "
              "group: S2, schedules: [pd/X], channels: *ch}\n",
      "r"));
  CHECK(read_rotations(
      "\xEF\xBB\xBFversion: 1\r\nrotations:\r\n- {name: a, group: S1, schedules: [pd/X]}\r\n", "r"));
}
