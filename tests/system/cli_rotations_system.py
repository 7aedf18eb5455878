#!/usr/bin/env python3
"""The real `watchbill` against the sandbox's servers: rotations, and files of them.

usage: cli_rotations_system.py BIN_DIR [unittest arguments]
"""
import os

from cli_world import PLATFORM, Case, main


class Rotations(Case):
    def setUp(self):
        super().setUp()
        self.connect()

    def create(self, name, *more, code=0, says=""):
        args = ("rotation", "create", name, *more)
        return self.ok(*args) if code == 0 else self.fails(code, *args, says=says)

    def test_a_group_with_other_members_is_adopted_only_on_purpose(self):
        args = ("payments", "--group", "@payments-oncall", "--schedule", "pd/PSCHED1")
        preview = self.create(*args, code=4, says="--adopt")
        for part in ("goes: ", "U0OTTO", "comes: ", "U0ADA", "last edited by: ", "U0BO", "#general"):
            self.assertIn(part, preview)
        self.assertEqual(self.json("rotation", "list"), [])
        self.create(*args, "--adopt", code=2, says="--yes")
        self.create(*args, "--adopt", "--yes")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0OTTO"])  # written by a pass, not here
        self.ok("sync")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0ADA"])
        self.ok("rotation", "delete", "payments", "--restore", "--yes")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0OTTO"])
        restored = self.json("history", "payments")[1]
        self.assertEqual((restored["cause"], restored["before"], restored["after"], restored["result"]),
                         ("restore", ["U0ADA"], ["U0OTTO"], "ok"))
        self.assertEqual(self.json("rotation", "list"), [])

    def test_groups_that_need_no_adoption(self):
        self.create("same people", "--group", "@search-oncall", "--schedule", "pd/PSCHED1")
        self.create("only looking", "--group", "@payments-oncall", "--schedule", "pd/PSCHED1", "--mode", "observe")
        self.ok("rotation", "delete", "only looking", "--yes")
        self.create("beside others", "--group", "@payments-oncall", "--schedule", "pd/PSCHED1", "--membership", "merge")
        self.ok("sync")
        self.assertEqual(sorted(self.sandbox.group("payments-oncall")["users"]), ["U0ADA", "U0OTTO"])

    def test_a_group_and_a_name_belong_to_one_rotation(self):
        self.payments()
        self.create("other", "--group", "@payments-oncall", "--schedule", "pd/PSCHED1", "--adopt", "--yes", code=4,
                    says='"payments"')
        self.create("PAYMENTS", "--group", "@search-oncall", "--schedule", "pd/PSCHED1", code=4, says='"payments"')

    def test_groups_are_created_and_disabled_ones_enabled(self):
        self.create("new", "--group", "@new-oncall", "--schedule", "pd/PSCHED1", code=3, says="--create-group")
        self.create("new", "--group", "@new-oncall", "--create-group", "--schedule", "pd/PSCHED1")
        self.assertIsNotNone(self.sandbox.group("new-oncall"))
        self.create("rested", "--group", "@resting", "--create-group", "--schedule", "pd/PSCHED1")
        # With its old members nobody sees it: it is enabled with those who are on call.
        self.assertTrue(self.sandbox.group("resting")["disabled"])
        self.ok("sync", "rested")
        self.assertFalse(self.sandbox.group("resting")["disabled"])
        self.assertEqual(self.sandbox.group("resting")["users"], ["U0ADA"])
        self.create("bad", "--group", "@Bad Handle", "--create-group", "--schedule", "pd/PSCHED1", code=2)
        self.create("bad", "--group", "@here", "--create-group", "--schedule", "pd/PSCHED1", code=2)
        self.create("taken", "--group", "@general", "--create-group", "--schedule", "pd/PSCHED1", code=4)
        self.create("boss", "--group", "@bosses", "--schedule", "pd/PSCHED1", "--adopt", "--yes", code=5)

    def test_nothing_is_written_when_anything_is_wrong(self):
        start = ("x", "--group", "@new-oncall", "--create-group", "--schedule", "pd/PSCHED1")
        self.create(*start, "--channel", "#nothing", code=3, says="#nothing")
        self.create(*start, "--channel", "#old", code=2, says="archived")
        self.create(*start, "--channel", "C0SECRET", code=3, says="/invite")
        self.create(*start, "--member", "nobody@example.com", code=3, says="nobody@example.com")
        self.create(*start, "--member", "gus@example.com", code=2, says="guest")
        self.create(*start, "--empty", "fallback", code=2, says="fallback")
        self.create(*start, "--mode", "hope", code=2, says="keep or observe")
        self.create("x", "--group", "@new-oncall", "--create-group", "--schedule", "pd/NOPE", code=3, says="pd/NOPE")
        self.create("x", "--group", "@new-oncall", "--create-group", "--schedule", "no/X", code=3, says="no")
        self.create("x", "--group", "@new-oncall", "--create-group", "--schedule", "pd/P1#A", code=3, says="pd/P1#A")
        for ref in ("pd/policy:P1", "local/x", "rotation:y"):
            self.create("x", "--group", "@new-oncall", "--create-group", "--schedule", ref, code=2)
        self.write("t", "{{incomming}}")
        self.create(*start, "--template-file", "t", code=2, says="line 1, column 1")
        self.create("x", "--group", "@new-oncall", code=2, says="--schedule is missing")
        self.assertIsNone(self.sandbox.group("new-oncall"))
        self.assertEqual(self.json("rotation", "list"), [])

    def test_all_options_are_stored_and_shown(self):
        self.write("t", "{{incoming}} on call for {{rotation}}\n")
        self.create("full", "--group", "S0SEARCHONCALL", "--schedule", "pd/PSCHED1", "--schedule", PLATFORM, "--label",
                    "pd/PSCHED1=primary", "--required", PLATFORM, "--channel", "#payments", "--channel", "C0GENERAL",
                    "--mode", "observe", "--membership", "merge", "--drift", "report", "--member", "bo@example.com",
                    "--member", "U0CLEO", "--empty", "fallback", "--fallback", "ada@example.com", "--empty-alert", "yes",
                    "--template-file", "t", "--mention", "none", "--max-age", "90m", "--owner", "bo@example.com",
                    "--alert-channel", "#general", "--quiet")
        shown = self.json("rotation", "show", "FULL")
        del shown["status"], shown["announcements"]
        self.assertEqual(shown, {
            "name": "full", "group": {"id": "S0SEARCHONCALL", "handle": "search-oncall"},
            "schedules": [{"ref": "pd/PSCHED1", "label": "primary", "required": False},
                          {"ref": PLATFORM, "label": None, "required": True}],
            "mode": "observe", "membership": "merge", "drift": "report", "paused": False,
            "channels": ["C0PAYMENTS", "C0GENERAL"], "permanent_members": ["U0BO", "U0CLEO"], "empty": "fallback",
            "fallback_members": ["U0ADA"], "empty_alert": True,
            "announce": {"enabled": True, "template": "{{incoming}} on call for {{rotation}}", "mention": "none",
                         "max_age": "90m"},
            "owners": ["U0BO"], "alert_channel": "C0GENERAL", "managed_by": "cli"})
        self.ok("rotation", "edit", "full", "--name", "less", "--channel", "", "--no-member", "--no-template",
                "--no-alert-channel", "--schedule", "pd/PSCHED1", "--empty", "keep", "--no-fallback", "--no-owner")
        shown = self.json("rotation", "show", "less")
        self.assertEqual((shown["channels"], shown["permanent_members"], shown["fallback_members"], shown["owners"]),
                         ([], [], [], []))
        self.assertEqual((shown["announce"]["template"], shown["alert_channel"]), (None, None))
        self.assertEqual(shown["schedules"], [{"ref": "pd/PSCHED1", "label": "primary", "required": False}])
        self.fails(3, "rotation", "show", "full")
        self.fails(3, "rotation", "edit", "full", "--mode", "keep")
        self.assertIn("unchanged", self.ok("rotation", "edit", "less", "--mode", "observe"))

    def test_pausing_leaves_the_group_alone(self):
        self.payments()
        self.ok("rotation", "pause", "payments")
        self.ok("sync")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0OTTO"])
        self.assertEqual(self.json("status")["rotations"][0]["state"], "paused")
        self.ok("rotation", "resume", "payments")
        self.ok("sync")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0ADA"])

    def test_a_change_that_takes_out_strangers_is_shown_and_asks_as_an_adoption_does(self):
        def strangers():
            self.sandbox.do("group", handle="payments-oncall", people=["ada", "otto"])

        def asks(*args):
            error = self.fails(4, *args, says="--adopt")
            self.assertIn("(U0OTTO)", error.split("goes: ")[1].splitlines()[0])
            self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0ADA", "U0OTTO"])
            self.ok(*args, "--adopt", "--yes")

        self.create("payments", "--group", "@payments-oncall", "--schedule", "pd/PSCHED1", "--mode", "observe")
        strangers()
        asks("rotation", "edit", "payments", "--mode", "keep")
        self.ok("sync")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0ADA"])
        self.ok("rotation", "pause", "payments")
        # Nobody goes whom a handoff would have left.
        self.ok("rotation", "resume", "payments")
        self.ok("rotation", "pause", "payments")
        strangers()
        asks("rotation", "resume", "payments")
        self.ok("sync")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0ADA"])
        self.ok("rotation", "edit", "payments", "--membership", "merge")
        strangers()
        asks("rotation", "edit", "payments", "--membership", "exact")
        self.ok("rotation", "delete", "payments", "--yes")

        lines = ("version: 1\nrotations:\n- name: payments\n  group: '@payments-oncall'\n"
                 "  schedules: [{ref: pd/PSCHED1}]\n")
        strangers()
        self.ok("apply", "-f", self.write("r.yaml", lines + "  mode: observe\n"))
        name = self.write("r.yaml", lines + "  mode: keep\n")
        self.assertIn("takes the group over", self.ok("apply", "-f", name, "--dry-run"))
        asks("apply", "-f", name)
        self.assertEqual(self.json("rotation", "show", "payments")["mode"], "keep")


class Files(Case):
    def setUp(self):
        super().setUp()
        self.connect()

    def file(self, *rotations, name="rotations.yaml"):
        return self.write(name, "version: 1\nrotations:\n" + "".join(f"  - {{{r}}}\n" for r in rotations))

    def test_export_and_apply_change_nothing(self):
        self.payments("--label", "pd/PSCHED1=primary", "--empty-alert", "no")
        self.ok("rotation", "create", "search", "--group", "@search-oncall", "--schedule", "pd/PSCHED1")
        self.ok("rotation", "pause", "search")
        before = self.json("rotation", "list")
        history = self.json("history")
        for form in ("table", "json"):
            exported = self.ok("export", "--format", form)
            changes = self.json("apply", "-f", "-", stdin=exported)["changes"]
            self.assertEqual([c["action"] for c in changes], ["unchanged", "unchanged"])
        self.assertEqual(self.json("rotation", "list"), before)
        self.assertEqual(self.json("history"), history)

    def test_a_file_creates_changes_renames_and_prunes(self):
        name = self.file('name: payments, group: "@payments-oncall", schedules: [pd/PSCHED1], channels: ["#payments"]',
                         'name: search, group: S0SEARCHONCALL, schedules: [pd/PSCHED1]')
        self.fails(4, "apply", "-f", name, "--yes", says="--adopt")
        self.assertEqual(self.json("rotation", "list"), [])
        plan = self.json("apply", "-f", name, "--dry-run")
        self.assertTrue(plan["dry_run"])
        self.assertEqual([(c["action"], c["adopts"]) for c in plan["changes"]],
                         [("create", {"goes": ["U0OTTO"], "comes": ["U0ADA"]}), ("create", None)])
        self.assertEqual(self.json("rotation", "list"), [])
        self.ok("apply", "-f", name, "--adopt", "--yes")
        self.assertEqual([(r["name"], r["managed_by"]) for r in self.json("rotation", "list")],
                         [("payments", "file:" + os.path.realpath(self.path(name))),
                          ("search", "file:" + os.path.realpath(self.path(name)))])
        self.assertIn("2 unchanged", self.ok("apply", "-f", name))

        self.file('name: billing, group: {id: S0PAYMENTSONCALL}, schedules: [pd/PSCHED1]')
        shown = self.ok("apply", "-f", name)
        self.assertIn("name: payments -> billing", shown)
        self.assertIn("channels: C0PAYMENTS -> none", shown)
        self.assertEqual([r["name"] for r in self.json("rotation", "list")], ["billing", "search"])
        self.fails(2, "apply", "-f", name, "--prune", says="--yes")
        self.ok("apply", "-f", name, "--prune", "--yes")
        self.assertEqual([r["name"] for r in self.json("rotation", "list")], ["billing"])

    def test_names_can_be_exchanged(self):
        self.payments()
        self.ok("rotation", "create", "search", "--group", "@search-oncall", "--schedule", "pd/PSCHED1")
        name = self.file("name: search, group: S0PAYMENTSONCALL, schedules: [pd/PSCHED1]",
                         "name: payments, group: S0SEARCHONCALL, schedules: [pd/PSCHED1]")
        self.ok("apply", "-f", name)
        self.assertEqual([(r["name"], r["group"]["id"]) for r in self.json("rotation", "list")],
                         [("payments", "S0SEARCHONCALL"), ("search", "S0PAYMENTSONCALL")])

    def test_all_or_nothing(self):
        name = self.file('name: search, group: S0SEARCHONCALL, schedules: [pd/PSCHED1]',
                         'name: wrong, group: "@brand-new", schedules: [pd/NOPE]')
        self.fails(3, "apply", "-f", name, says="@brand-new")
        self.fails(3, "apply", "-f", name, "--create-group", says="pd/NOPE")
        self.assertEqual(self.json("rotation", "list"), [])
        self.assertIsNone(self.sandbox.group("brand-new"))
        self.file('name: search, group: S0SEARCHONCALL, schedules: [pd/PSCHED1]',
                  'name: right, group: "@brand-new", schedules: [pd/PSCHED1]')
        self.ok("apply", "-f", name, "--create-group")
        self.assertIsNotNone(self.sandbox.group("brand-new"))
        self.assertEqual(len(self.json("rotation", "list")), 2)

    def test_mistakes_are_told_with_their_place(self):
        name = self.write("r.yaml", "version: 1\nrotations:\n  - name: a\n    group: S1\n    schedule: [pd/X]\n    mode: x\n")
        error = self.fails(2, "apply", "-f", name)
        self.assertIn('r.yaml:5:5: schedule: unknown key; did you mean "schedules"?', error)
        self.assertIn("r.yaml:6:11: mode: ", error)
        self.fails(3, "apply", "-f", "missing.yaml")
        self.fails(2, "apply", says="--file")

    def test_a_file_owns_its_rotations(self):
        name = self.file("name: search, group: S0SEARCHONCALL, schedules: [pd/PSCHED1]")
        self.ok("apply", "-f", name)
        where = os.path.realpath(self.path(name))
        self.fails(5, "rotation", "edit", "search", "--mode", "observe", says=where)
        self.fails(5, "rotation", "delete", "search", "--yes", says=where)
        self.ok("rotation", "pause", "search")
        # The emergency outlives the next run of the file.
        self.assertIn("1 unchanged", self.ok("apply", "-f", name))
        self.assertTrue(self.json("rotation", "show", "search")["paused"])
        other = self.file("name: payments, group: S0PAYMENTSONCALL, schedules: [pd/PSCHED1]", name="other.yaml")
        shown = self.ok("apply", "-f", other, "--prune", "--adopt", "--yes")
        self.assertIn(where, shown)
        self.assertEqual([r["name"] for r in self.json("rotation", "list")], ["payments", "search"])

    def test_many_new_rotations_start_without_announcements(self):
        entries = [f'name: team {i}, group: "@team-{i}", schedules: [pd/PSCHED1], channels: ["#payments"]'
                   for i in range(6)]
        self.ok("apply", "-f", self.file(*entries), "--create-group")
        self.ok("sync")
        self.assertEqual(self.sandbox.messages("payments"), [])
        self.assertEqual(self.sandbox.group("team-3")["users"], ["U0ADA"])


if __name__ == "__main__":
    main()
