#!/usr/bin/env python3
"""The real `watchbill`: files, secrets, paths, names and times as people write them, and what is said instead of a guess.

usage: cli_written_system.py BIN_DIR [unittest arguments]
"""
import datetime
import os

from cli_world import PLATFORM, Case, main, write_private

START = 'version: 1\nrotations:\n  - name: payments\n    group: "@payments-oncall"\n    schedules: [pd/PSCHED1]\n'


class Files(Case):
    def setUp(self):
        super().setUp()
        self.connect()

    def refused(self, text, *says):
        error = self.fails(2, "apply", "-f", self.write("r.yaml", text), "--dry-run")
        for part in says:
            self.assertIn(part, error)

    def test_what_yaml_takes_for_a_comment_is_told(self):
        self.refused(START + "    channels: #payments\n", 'r.yaml:6:5: channels: write "#payments" in quotes')
        self.refused(START + "    channels:\n      - #payments\n      - \"#general\"\n", 'write "#payments" in quotes')
        self.refused(START + "    channels: [#payments]\n", 'in line 6 write "#payments" in quotes')
        self.refused(START + "    alert_channel: #payments\n", 'r.yaml:6:5: alert_channel: write "#payments" in quotes')

    def test_each_mistake_is_answered_with_what_to_write(self):
        self.refused(START.replace('"@payments-oncall"', "@payments-oncall"), 'write "@payments-oncall" in quotes')
        self.refused(START.replace('"@payments-oncall"', "payments-oncall"), 'write "@payments-oncall" with the quotes')
        self.refused(START.replace("  - name", "\t- name"), "line 3 begins with a tab")
        self.refused("version: 1\nx: &d {mode: keep}\n" + START[11:].replace("- name", "- <<: *d\n    name"), "merge keys are not read")
        self.refused(START + "    announce: off\n", "write {enabled: false}")
        self.refused(START + "    paused: yes\n", "write true")
        self.refused(START + "---\nversion: 1\n", 'take out the lines "---"')
        self.refused("version: 1\nrotations:\n  payments:\n    group: S1\n", 'begin each rotation with "- name: …"')

    def test_what_is_right_stays_right(self):
        self.ok("apply", "-f", self.write("r.yaml", "\ufeff" + START.replace("\n", "\r\n")), "--adopt", "--yes")
        name = self.write("r.yaml", START.replace("payments\n", "&p payments\n").replace("[pd/PSCHED1]", "&s [pd/PSCHED1]")
                          + '  - {name: search, group: "@search-oncall", schedules: *s}\n')
        self.ok("apply", "-f", name, "--yes")

    def test_handles_are_found_regardless_of_case(self):
        self.ok("apply", "-f", self.write("r.yaml", START.replace("@payments-oncall", "@Payments-OnCall")), "--adopt", "--yes")
        self.assertEqual(self.json("rotation", "show", "@PAYMENTS-oncall")["group"]["handle"], "payments-oncall")
        changes = self.json("apply", "-f", self.write("r.yaml", START.replace("@payments-oncall", "@Payments-OnCall")))["changes"]
        self.assertEqual([c["action"] for c in changes], ["unchanged"])
        self.fails(2, "rotation", "create", "new", "--group", "@New OnCall", "--create-group", "--schedule", "pd/PSCHED1",
                   says=": new-oncall")

    def test_slack_decides_how_long_a_handle_is(self):
        args = ("rotation", "create", "platform", "--group", "@platform-engineering-primary-oncall", "--create-group",
                "--schedule", "pd/PSCHED1")
        self.sandbox.do("fault", system="slack", kind="error", match="usergroups.create", code="bad_handle")
        error = self.fails(2, *args, says="Slack does not accept the handle")
        self.assertIn("@platform-engineering-primary-oncall", error)
        self.assertIn("more than 21", error)
        self.sandbox.do("clear_faults", system="slack")
        self.ok(*args)
        self.assertIsNotNone(self.sandbox.group("platform-engineering-primary-oncall"))


class Names(Case):
    def setUp(self):
        super().setUp()
        self.connect()

    def test_a_schedule_may_be_written_by_its_unique_name(self):
        self.ok("rotation", "create", "payments", "--group", "@payments-oncall", "--schedule", "Payments Primary", "--label",
                "Payments Primary=first", "--schedule", "og/platform", "--channel", "payments", "--adopt", "--yes")
        self.assertEqual(self.json("rotation", "show", "payments")["schedules"],
                         [{"ref": "pd/PSCHED1", "label": "first", "required": False}, PLATFORM])
        self.assertEqual(self.json("rotation", "show", "payments")["channels"], ["C0PAYMENTS"])
        self.ok("schedule", "list")
        self.ok("rotation", "edit", "@payments-oncall", "--schedule", "payments primary", "--required", "Payments primary")
        self.assertEqual(self.json("rotation", "show", "payments")["schedules"],
                         [{"ref": "pd/PSCHED1", "label": "first", "required": True}])
        self.ok("apply", "-f", self.write("r.yaml", START.replace("pd/PSCHED1", "Platform").replace("payments", "search")
                                          .replace("search-oncall", "new-oncall")), "--create-group")
        self.assertEqual(self.json("rotation", "show", "search")["schedules"], [PLATFORM])

    def test_a_name_that_none_or_several_have_is_told(self):
        create = ("rotation", "create", "x", "--group", "@search-oncall", "--schedule")
        self.fails(3, *create, "Payment", says='schedule "Payment": no scheduling system has one of this name')
        self.sandbox.do("schedule", system="opsgenie", id="0a7c6d1e-9b4e-4219-a803-0c26936870de", name="Payments primary",
                        people=["bo"], shift_seconds=86400)
        error = self.fails(2, *create, "Payments primary", says="2 have this name")
        self.assertIn("pd/PSCHED1", error)
        self.fails(2, *create, "Platform", "--no-verify", says="write CONNECTION/ID")
        self.ok(*create, "og/Payments primary", "--adopt", "--yes")

    def test_rotations_are_named_by_their_group_too(self):
        self.payments()
        for command in (("rotation", "pause"), ("rotation", "resume"), ("history",), ("sync",), ("who",)):
            self.ok(*command, "@Payments-Oncall")
        self.fails(3, "rotation", "show", "@nobody", says="no rotation keeps the group @nobody")

    def test_times_are_read_as_people_write_them(self):
        self.payments()
        berlin = {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}
        day = datetime.date.today()
        for since in ("24h", "90 minutes", "yesterday 09:00", "today", f"{day} 00:00", "2026-01-01", "2026-01-01 09:00 UTC"):
            self.ok("history", "--since", since, env=berlin)
        self.assertEqual(self.json("history", "--until", "24h"), [])
        done = self.run_any("who", "--at", "2027-01-15 09:00", env=berlin)
        self.assertEqual(done.stderr, "--at: 2027-01-15 09:00 CET (2027-01-15T08:00:00Z)\n")
        self.assertEqual(self.json("who", "--at", "2027-01-15 09:00", env=berlin)["at"], "2027-01-15T08:00:00Z")
        self.ok("who", "--at", "in 2h")
        for wrong in ("soon", "24", "25:00", ""):
            error = self.fails(2, "history", "--since", wrong, says='--since: "', env=berlin)
            self.assertIn('"yesterday 09:00"', error)
            self.assertIn("CET", error)
        self.ok("rotation", "edit", "payments", "--max-age", "1 hour")
        self.assertEqual(self.json("rotation", "show", "payments")["announce"]["max_age"], "1h")


class Secrets(Case):
    def add(self, text, says):
        write_private(self.path("key"), text)
        before = self.sandbox.do("log", since=0)["last"]
        self.fails(2, "connection", "add", "pagerduty", "pd", "--api-key-file", "key", "--base-url",
                   self.sandbox.ready["pagerduty"], says=says)
        self.assertEqual(self.sandbox.do("log", since=before)["entries"], [])

    def test_what_stands_around_a_key_is_named_and_not_sent(self):
        key = self.sandbox.ready["keys"]["pagerduty"]
        self.add("\ufeff" + key, "key begins with a byte order mark")
        self.add(f'"{key}"\n', "key stands in quotes")
        self.add(f"Token token={key}\n", "as the header Authorization does")
        self.add(f"PAGERDUTY_KEY={key}\n", "begins with a name")
        self.add(f"{key} \n", "has spaces around")
        self.add(f"{key}\n# mine\n", "has more than one line")
        self.add(self.sandbox.ready["tokens"]["bot"] + "\n", "key is Slack's bot token (xoxb-…): it must be a key")

    def test_a_token_of_another_kind_is_named_and_not_sent(self):
        before = self.sandbox.do("log", since=0)["last"]
        for text, says in ((self.sandbox.ready["tokens"]["app"], "is Slack's app-level token (xapp-…): it must be"),
                           ("Bearer " + self.sandbox.ready["tokens"]["bot"], "Bearer"), ("0123456789abcdef", "is not Slack's bot token")):
            write_private(self.path("bot"), text + "\n")
            done = self.run_any("doctor")
            self.assertIn(says, done.stdout)
            self.assertIn("slack.bot_token_file: " + self.path("bot"), done.stdout)
        self.assertEqual([e for e in self.sandbox.do("log", since=before)["entries"] if e["system"] == "slack"], [])

    def test_paths_that_a_shell_did_not_replace_make_no_folders(self):
        for store in ("~/w.db", "$HOME/w.db", "${STATE_DIRECTORY}/w.db"):
            self.fails(2, f"--store={store}", "connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key",
                       says="write the whole path")
        self.fails(2, "backup", "~/w.db", says="write the whole path")
        self.fails(2, "apply", "--file=~/r.yaml", says='"~/r.yaml" begins with')
        self.fails(2, "--config=~/w.yaml", "setup", says="write the whole path")
        self.assertEqual([name for name in os.listdir(self.folder) if name[0] in "~$"], [])


main()
