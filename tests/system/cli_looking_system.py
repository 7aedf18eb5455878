#!/usr/bin/env python3
"""The real `watchbill` against the sandbox's servers: who is on call, what happened, what is wrong.

usage: cli_looking_system.py BIN_DIR [unittest arguments]
"""
import json
import os

from cli_world import PLATFORM, SCHEMA, Case, main


class Looking(Case):
    def setUp(self):
        super().setUp()
        self.connect()

    def test_a_pass_without_a_daemon(self):
        self.payments()
        self.assertEqual(self.json("status")["rotations"][0]["state"], "pending")
        planned = self.json("sync", "--dry-run")
        self.assertEqual((planned[0]["before"], planned[0]["after"]), (["U0OTTO"], ["U0ADA"]))
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0OTTO"])
        result = self.json("sync", "payments")
        self.assertEqual(result, {"rotations": [{"name": "payments", "state": "in_sync", "problems": []}],
                                  "complete": True, "ok": True})
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0ADA"])
        self.assertEqual(len(self.sandbox.messages("payments")), 1)
        self.fails(3, "sync", "nothing")

    def test_people_whose_names_are_alike_are_all_named(self):
        for key, name, start in (("ann", "Ann Lee", -60), ("an", "Ann", -60)):
            self.sandbox.do("person", key=key, name=name, email=f"{key}@example.com")
            self.sandbox.do("schedule", system="pagerduty", id="P" + key.upper(), people=[key], shift_seconds=86400, start=start)
        self.ok("rotation", "create", "both", "--group", "@search-oncall", "--schedule", "pd/PANN", "--schedule", "pd/PAN",
                "--adopt", "--yes")
        self.ok("sync")
        self.assertRegex(self.ok("status"), r"(?m)^in_sync +both +@search-oncall +(Ann Lee, Ann|Ann, Ann Lee) ")

    def test_without_rotations_everything_says_so(self):
        for command in ("status", "who"):
            self.assertIn("No rotations yet", self.ok(command))
        # Nobody asks a system that no rotation uses.
        self.assertRegex(self.ok("status"), r"(?m)^unused +pd +pagerduty +never")

    def test_status_is_as_programs_rely_on(self):
        self.payments()
        self.ok("sync")
        status = self.json("status")
        self.assertEqual(set(status), {"rotations", "connections", "outbox", "queue", "daemon", "slack_app", "clock_problem", "store_problem",
                                       "other_problems"})
        rotation = status["rotations"][0]
        self.assertEqual(list(rotation), ["name", "group", "state", "members", "disabled", "on_call", "unknown", "next_boundary", "next",
                                          "problems"])
        self.assertEqual(rotation["group"], {"id": "S0PAYMENTSONCALL", "handle": "payments-oncall"})
        self.assertEqual((rotation["state"], rotation["members"]), ("in_sync", ["U0ADA"]))
        person = rotation["on_call"][0]
        self.assertEqual(list(person), ["name", "email", "member", "member_pending", "schedule", "until", "last_known"])
        self.assertEqual((person["name"], person["email"], person["member"], person["schedule"]),
                         ("Ada Lindqvist", "ada@example.com", "U0ADA", "pd/PSCHED1"))
        self.assertEqual([list(c) for c in status["connections"]],
                         [["name", "kind", "state", "last_success", "interval_seconds", "problem"]] * 2)
        self.assertEqual(status["outbox"], {"pending": 0, "oldest_seconds": 0})
        self.assertEqual(set(status["queue"]), {"writes", "done_in_seconds"})
        self.assertFalse(status["daemon"]["running"])
        self.assertRegex(status["daemon"]["last_pass"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_history_has_changes_and_edits_newest_first(self):
        self.payments()
        self.ok("sync")
        self.ok("rotation", "edit", "payments", "--mention", "none")
        entries = self.json("history")
        for entry in entries:
            self.assertEqual(list(entry)[:8], ["at", "rotation", "group", "cause", "before", "after", "by", "result"])
        self.assertEqual([e["at"] for e in entries], sorted((e["at"] for e in entries), reverse=True))
        adoption = next(e for e in entries if e["cause"] == "adoption")
        self.assertEqual((adoption["rotation"], adoption["group"], adoption["before"], adoption["after"],
                          adoption["by"], adoption["result"]),
                         ("payments", "S0PAYMENTSONCALL", ["U0OTTO"], ["U0ADA"], None, "ok"))
        self.assertEqual([(a["channel"], a["state"]) for a in adoption["announcements"]], [("C0PAYMENTS", "sent")])
        edit = entries[0]
        self.assertEqual((edit["cause"], edit["action"], edit["group"]), ("config", "rotation.update", "S0PAYMENTSONCALL"))
        self.assertTrue(edit["by"].startswith("cli:"))
        self.assertEqual(edit["settings_after"]["announce"]["mention"], "none")
        actions = [e.get("action") for e in entries]
        self.assertIn("connection.create", actions)
        self.assertNotIn("connection.create", [e.get("action") for e in self.json("history", "payments")])
        self.assertEqual(self.json("history", "--until", "2020-01-01T00:00:00Z"), [])
        self.fails(2, "history", "--since", "the day before")
        self.fails(3, "history", "nothing")
        self.ok("rotation", "delete", "payments", "--yes")
        self.assertEqual(self.json("history", "payments")[0]["action"], "rotation.delete")

    def test_who_works_while_everything_is_down(self):
        self.payments()
        self.ok("sync")
        with open(self.path("watchbill.yaml")) as file:
            config = file.read()
        self.write("watchbill.yaml", config.replace(self.sandbox.ready["slack_api"], "http://127.0.0.1:1/api/"))
        for which in ("payments", "@payments-oncall"):
            answer = self.json("who", which)["rotations"][0]
            self.assertEqual([(p["name"], p["member"]) for p in answer["on_call"]], [("Ada Lindqvist", "U0ADA")])
            self.assertIsNotNone(answer["confirmed_at"])
        past = self.json("who", "--at", "2020-01-01T00:00:00Z")["rotations"][0]
        self.assertEqual((past["on_call"], past["unknown"]), ([], ["pd/PSCHED1"]))
        far = self.json("who", "--at", "2099-01-01T00:00:00Z")["rotations"][0]
        self.assertEqual((far["on_call"], far["unknown"]), ([], ["pd/PSCHED1"]))
        self.assertIn("ago", self.ok("who") + " ago")
        self.fails(3, "who", "@nobody")
        self.fails(2, "who", "--at", "noon")

    def test_people_who_are_not_in_slack_are_named_with_the_fix(self):
        self.ok("rotation", "create", "kim", "--group", "@search-oncall", "--schedule", "pd/PKIM", "--adopt", "--yes")
        done = self.run_any("sync")
        self.assertEqual(done.returncode, 1)
        unmatched = self.json("people", "list")["unmatched"]
        self.assertEqual([(p["name"], p["person"], p["fix"]) for p in unmatched],
                         [("Kim Ode", "kim@example.com", "watchbill people map kim@example.com U…")])
        self.fails(3, "people", "map", "kim@example.com", "U0NOBODY")
        self.fails(2, "people", "map", "kim", "U0BO")
        self.fails(3, "people", "map", "nope/X", "U0BO")
        self.ok("people", "map", "Kim@example.com", "bo@example.com")
        self.ok("sync")
        self.assertEqual(self.sandbox.group("search-oncall")["users"], ["U0BO"])
        listed = self.json("people", "list")
        self.assertEqual(listed["unmatched"], [])
        self.assertEqual([(m["person"], m["member"]) for m in listed["mappings"]], [("kim@example.com", "U0BO")])
        self.ok("people", "unmap", "kim@example.com")
        self.fails(3, "people", "unmap", "kim@example.com")

    def test_doctor_asks_and_names_fixes(self):
        self.payments()
        self.ok("sync")
        store = [c for c in self.json("doctor")["checks"] if c["check"] == "store"]
        self.assertEqual([c["state"] for c in store], ["ok", "ok"])
        self.assertRegex(store[1]["detail"], "^it can be written, and [0-9]+ MB are free$")
        self.assertTrue(self.json("doctor")["ok"])
        self.sandbox.do("token", token=self.sandbox.ready["tokens"]["bot"], drop=["usergroups:write"])
        self.sandbox.do("channel", name="payments", archived=True)
        self.sandbox.do("opsgenie", api_key="another-key")
        done = self.run_any("doctor", "--format", "json")
        self.assertEqual(done.returncode, 1)
        checks = {c["check"]: c for c in json.loads(done.stdout)["checks"] if c["state"] == "fail"}
        self.assertIn("usergroups:write", checks["bot token scopes"]["detail"])
        self.assertIn("archived", checks["channel C0PAYMENTS (payments)"]["detail"])
        self.assertEqual(checks["connection og"]["fix"], "watchbill connection update og --api-key-file FILE")
        self.assertEqual(len(checks), 3)
        self.sandbox.do("token", token=self.sandbox.ready["tokens"]["bot"], add=["usergroups:write"],
                        error="token_revoked")
        done = self.run_any("doctor")
        self.assertEqual(done.returncode, 1)
        self.assertIn("fail  Slack bot token: ", done.stdout)
        self.assertIn("fix: reinstall the app and put its new token into slack.bot_token_file", done.stdout)

    def test_doctor_tries_the_right_to_edit_groups_without_changing_one(self):
        self.payments()
        before = self.sandbox.group("payments-oncall")
        checks = {c["check"]: c for c in self.json("doctor")["checks"]}
        self.assertEqual(checks["right to edit user groups"]["state"], "ok")
        after = self.sandbox.group("payments-oncall")
        self.assertEqual((before["name"], before["handle"], before["people"]),
                         (after["name"], after["handle"], after["people"]))
        self.sandbox.do("slack", admins_only=True)
        done = self.run_any("doctor", "--format", "json")
        self.assertEqual(done.returncode, 1)
        failed = [c for c in json.loads(done.stdout)["checks"] if c["state"] == "fail"]
        self.assertEqual([c["check"] for c in failed], ["right to edit user groups"])
        for words in ("Permissions > User Groups", "Account types", "slack.user_token_file"):
            self.assertIn(words, failed[0]["fix"])

    def test_doctor_names_people_who_cannot_be_what_they_are_any_more(self):
        self.payments("--owner", "otto@example.com", "--empty", "fallback", "--fallback", "bo@example.com")
        self.sandbox.do("person", key="otto", slack={"deleted": True})
        done = self.run_any("doctor", "--format", "json")
        failed = [c for c in json.loads(done.stdout)["checks"] if c["state"] == "fail"]
        self.assertEqual(len(failed), 1, failed)
        self.assertIn("is deactivated in Slack, and is an owner of rotation \"payments\"", failed[0]["detail"])
        self.assertEqual(failed[0]["fix"], "watchbill rotation edit \"payments\" --owner …")

    def test_the_manifest_follows_the_configuration(self):
        manifest = self.json("slack", "manifest")
        self.assertTrue(manifest["settings"]["socket_mode_enabled"])
        bot = manifest["oauth_config"]["scopes"]["bot"]
        self.assertIn("usergroups:write", bot)
        self.assertNotIn("channels:history", bot)
        self.fails(2, "slack", "manifest", "--mode", "http", says="public_url")
        with open(self.path("watchbill.yaml"), "a") as file:
            file.write("  history_probe: true\n  command: /duty\npublic_url: https://watchbill.example.com\n")
        manifest = self.json("slack", "manifest", "--mode", "http")
        self.assertIn("channels:history", manifest["oauth_config"]["scopes"]["bot"])
        command = manifest["features"]["slash_commands"][0]
        self.assertEqual((command["command"], command["url"]),
                         ("/duty", "https://watchbill.example.com/slack/commands"))
        text = self.ok("slack", "manifest", "--user-token")
        self.assertRegex(text, r"(?m)^    user:\n      - usergroups:write +# ")
        if SCHEMA and os.path.exists(SCHEMA):
            import jsonschema
            import yaml
            with open(SCHEMA) as file:
                schema = json.load(file)
            for args in ((), ("--mode", "http"), ("--user-token",), ("--mode", "http", "--user-token")):
                jsonschema.validate(self.json("slack", "manifest", *args), schema)
                jsonschema.validate(yaml.safe_load(self.ok("slack", "manifest", *args)), schema)

    def test_tables_fit_the_terminal(self):
        self.payments()
        self.ok("rotation", "create", "a rotation with quite a long name, so that it must be cut", "--group",
                "@search-oncall", "--schedule", "pd/PSCHED1", "--schedule", PLATFORM, "--adopt", "--yes")
        for args in (("rotation", "list"), ("status",), ("history",), ("connection", "list"), ("who",)):
            for line in self.ok(*args, env={"COLUMNS": "60"}).splitlines():
                if not line.startswith((" ", "Daemon", "Problems")):
                    self.assertLessEqual(len(line), 60, (args, line))


if __name__ == "__main__":
    main()
