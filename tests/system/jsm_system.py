"""JSM Operations with the real programs: handoffs on time, overrides, gaps, outages, refusals; and moving there from
Opsgenie without a false handoff.

usage: jsm_system.py BIN_DIR [unittest arguments]
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from world import World

BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
HERE = os.path.dirname(os.path.abspath(__file__))
GROUP = "platform-oncall"
# Hours: nothing hands off by itself while a test runs.
QUIET = {"shift_seconds": 86400, "start": -600}


def when(seconds):
    """So many seconds from now, as RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(time.time()) + seconds))


class Case(unittest.TestCase):
    maxDiff = None

    poll = "1s"

    def setUp(self):
        self.world = World(BIN, poll=self.poll, rate_scale=1000)
        self.addCleanup(self.world.close)
        self.world.control("reset", empty=True)
        self.world.control("rate", off=True)
        for key in ("ada", "bo", "cy"):
            self.world.control("person", key=key, name=key.capitalize(), email=f"{key}@example.com")
        self.world.control("channel", name="platform", bot=True)
        self.world.control("group", handle=GROUP, people=["cy"])

    def schedule(self, system, id, name, people, **more):
        self.world.control("schedule", system=system, id=id, name=name, people=people, **{**QUIET, **more})

    def connect_opsgenie(self):
        self.world.cli("connection", "add", "opsgenie", "og", "--api-key-file", self.world.files["opsgenie"],
                       "--base-url", self.world.ready["opsgenie"])

    def rotate(self, name, group, *refs):
        schedules = [part for ref in refs for part in ("--schedule", ref)]
        self.world.cli("rotation", "create", name, "--group", "@" + group, "--adopt", "--yes", "--channel", "#platform",
                       *schedules)

    def group(self, handle=GROUP):
        groups = self.world.control("state", only=["groups"])["groups"]
        return next(sorted(g["people"]) for g in groups if g["handle"] == handle)

    def messages(self):
        return [m["text"] for m in self.world.control("messages", channel="platform")["messages"]]

    def until_group(self, people, handle=GROUP):
        self.world.until(f"@{handle} has {people}", lambda: self.group(handle) == people)

    def rotation(self, name="platform"):
        return next(r for r in self.world.json("status")["rotations"] if r["name"] == name)

    def handoffs(self):
        return [h for h in self.world.json("history") if h["cause"] == "handoff"]

    def problems(self, name="platform"):
        return " ".join(self.rotation(name)["problems"])


class OneRotation(Case):
    def setUp(self):
        super().setUp()
        self.schedule("jsm", "S1", "Platform", ["ada", "bo"])
        self.world.connect_jsm("ops")
        self.rotate("platform", GROUP, "ops/S1")

    def start(self):
        self.world.start()
        self.until_group(["ada"])
        self.world.until("the first announcement", lambda: self.messages())


class OnTime(OneRotation):
    # What happens sooner does not happen by polling.
    poll = "60s"

    def test_a_handoff_is_on_time(self):
        at = when(8)
        self.world.control("schedule", system="jsm", id="S1", shifts=[
            {"start": -600, "end": at, "people": ["ada"]}, {"start": at, "end": 86400, "people": ["bo"]}])
        self.start()
        self.until_group(["bo"])
        self.world.until("the announcement", lambda: len(self.messages()) == 2)
        change = self.handoffs()[0]
        self.assertGreaterEqual(change["at"][:19], at[:19])


class Jsm(OneRotation):
    def test_an_override_and_its_end_are_seen(self):
        self.start()
        made = self.world.control("override", system="jsm", schedule="S1", person="cy", start=0, seconds=3600)
        self.until_group(["cy"])
        self.world.control("cancel_override", system="jsm", schedule="S1", id=made["id"])
        self.until_group(["ada"])
        self.world.until("both were announced", lambda: len(self.messages()) == 3)

    def test_a_gap_that_is_planned_keeps_the_group_and_is_told(self):
        self.start()
        self.world.control("nobody", system="jsm", schedule="S1", seconds=3600, start=when(5))
        self.world.until("the gap is told", lambda: "nobody is on call" in self.problems(), seconds=60)
        self.assertEqual(self.group(), ["ada"])

    def test_an_outage_changes_nothing_and_is_over_by_itself(self):
        self.start()
        self.world.control("fault", system="jsm", kind="503")
        connection = lambda: self.world.json("connection", "list")[0]
        self.world.until("it is told", lambda: connection()["state"] == "failing")
        self.assertEqual(self.group(), ["ada"])
        self.world.control("clear_faults", system="jsm")
        self.world.until("it is over", lambda: connection()["state"] == "ok")
        self.assertEqual(len(self.messages()), 1)

    def test_a_token_that_is_refused_is_told_with_the_fix(self):
        self.start()
        self.world.control("jsm", api_token="another")
        self.world.until("it is told", lambda: self.world.json("connection", "list")[0]["state"] == "unauthorized")
        self.assertIn("API token", self.world.json("connection", "list")[0]["problem"])
        self.assertEqual(self.group(), ["ada"])
        bad = self.world.files["jsm-token"]
        done = self.world.cli("connection", "update", "ops", "--api-token-file", bad, check=False)
        self.assertEqual(done, "")
        with open(bad, "w") as file:
            file.write("another")
        self.world.cli("connection", "update", "ops", "--api-token-file", bad)
        self.world.until("it works", lambda: self.world.json("connection", "list")[0]["state"] == "ok")

    def test_a_team_that_may_not_be_seen_is_named_with_the_fix(self):
        self.schedule("jsm", "S2", "Other", ["bo"])
        self.world.control("group", handle="other-oncall", people=["cy"])
        self.rotate("other", "other-oncall", "ops/S2")
        self.start()
        self.until_group(["bo"], "other-oncall")
        self.world.control("schedule", system="jsm", id="S2", forbidden=True)
        self.world.until("it is named", lambda: "may not be read" in self.problems("other"), seconds=60)
        self.assertIn("member of the schedules' teams", self.problems("other"))
        self.assertEqual(self.group("other-oncall"), ["bo"])
        self.assertEqual(self.rotation()["state"], "in_sync")

    def test_an_account_that_loses_all_its_teams_is_told_at_once_and_nobody_is_called_off_call(self):
        self.start()
        self.world.control("jsm", hidden_is_404=True)
        self.world.control("schedule", system="jsm", id="S1", forbidden=True)
        said = []

        def told():
            said.append(json.dumps([self.rotation(), self.world.json("connection", "list")]))
            return "no schedule at all" in self.problems()
        self.world.until("it is told", told, seconds=10)
        self.assertNotEqual(self.rotation()["state"], "in_sync")
        self.assertNotIn("nobody", " ".join(said))
        self.assertEqual(self.group(), ["ada"])
        self.world.control("schedule", system="jsm", id="S1", forbidden=False)
        self.world.until("it is over", lambda: self.rotation()["state"] == "in_sync")
        self.assertEqual(len(self.messages()), 1)

    def test_a_hidden_address_is_told_with_the_fix(self):
        self.world.control("person", key="ada", jsm={"id": "712020:ada", "email_hidden": True})
        self.world.start()
        self.world.until("it is told", lambda: "Profile and visibility" in self.problems())
        self.assertIn("watchbill people map ops/712020:ada", self.problems())
        self.world.cli("people", "map", "ops/712020:ada", "ada@example.com")
        self.until_group(["ada"])


class Migrate(Case):
    def setUp(self):
        super().setUp()
        # The same id, the same name, the same people alone.
        self.pairs = {"SAME": "SAME", "og-db": "jsm-db", "og-net": "jsm-net"}
        self.schedule("opsgenie", "SAME", "Platform", ["ada", "bo"])
        self.schedule("jsm", "SAME", "Platform team", ["ada", "bo"])
        self.schedule("opsgenie", "og-db", "Database", ["bo", "cy"])
        self.schedule("jsm", "jsm-db", "database", ["bo", "cy"])
        self.schedule("opsgenie", "og-net", "Network", ["cy", "ada"], shift_seconds=40000)
        self.schedule("jsm", "jsm-net", "NOC", ["cy", "ada"], shift_seconds=40000)
        self.connect_opsgenie()
        self.world.connect_jsm("ops")
        for name, ref in (("platform", "og/SAME"), ("database", "og/og-db"), ("network", "og/og-net")):
            if name != "platform":
                self.world.control("group", handle=f"{name}-oncall", people=["cy"])
            self.rotate(name, f"{name}-oncall", ref)
        self.people = {"platform-oncall": ["ada"], "database-oncall": ["bo"], "network-oncall": ["cy"]}

    def start(self):
        self.world.start()
        for handle, people in self.people.items():
            self.until_group(people, handle)
        self.world.until("all were announced", lambda: len(self.messages()) == 3)

    def uses(self, connection):
        used = [ref for r in self.world.json("rotation", "list") for ref in r["schedules"]]
        return sorted(ref for ref in used if ref.startswith(connection + "/"))

    def dry(self):
        return self.world.json("connection", "migrate", "og", "ops", "--dry-run")

    def causes(self):
        return sorted(h["cause"] for h in self.world.json("history") if h["cause"] != "config")

    def nothing_happens(self, asked="jsm", match="timeline"):
        """Polls pass: nobody is told, and no group is written."""
        before = len(self.messages())
        for rotation in ("platform", "database", "network"):
            self.world.until(f"{rotation} is in sync", lambda: self.rotation(rotation)["state"] == "in_sync")
        since = self.world.control("log", system=asked, match=match)["last"]
        self.world.until(f"{asked} is asked", lambda: self.world.control(
            "log", system=asked, match=match, since=since)["entries"][2:])
        self.assertEqual(len(self.messages()), before)
        self.assertEqual(self.causes(), ["adoption"] * 3)

    def test_schedules_are_paired_and_nothing_is_written_by_a_dry_run(self):
        dry = self.dry()
        self.assertEqual({(p["old"], p["new"], p["by"]) for p in dry["pairs"]}, {
            ("og/SAME", "ops/SAME", "id"), ("og/og-db", "ops/jsm-db", "name"), ("og/og-net", "ops/jsm-net", "people")})
        self.assertEqual(dry["unpaired"], [])
        self.assertEqual([p["differences"] for p in dry["pairs"]], [[], [], []])
        self.assertEqual(len(self.uses("og")), 3)

    def test_rotations_move_quietly_and_go_back(self):
        self.start()
        self.world.cli("connection", "migrate", "og", "ops")
        self.assertEqual(self.uses("og"), [])
        self.assertEqual(self.uses("ops"), ["ops/SAME", "ops/jsm-db", "ops/jsm-net"])
        self.nothing_happens()
        self.world.cli("connection", "migrate", "og", "ops", "--undo")
        self.assertEqual(self.uses("ops"), [])
        self.nothing_happens("opsgenie", "on-calls")
        # Once is enough.
        self.assertEqual(self.world.cli("connection", "migrate", "og", "ops", "--undo", check=False), "")
        # What JSM says from now on counts nowhere.
        self.world.cli("connection", "migrate", "og", "ops")
        self.nothing_happens()
        self.world.control("override", system="jsm", schedule="jsm-db", person="ada", start=0, seconds=3600)
        self.until_group(["ada"], "database-oncall")
        self.world.until("it is announced", lambda: len(self.messages()) == 4)

    def test_a_handoff_in_between_is_told_once(self):
        self.start()
        at = when(4)
        for system, schedule in (("opsgenie", "SAME"), ("jsm", "SAME")):
            self.world.control("override", system=system, schedule=schedule, person="cy", start=at, seconds=3600)
        self.world.cli("connection", "migrate", "og", "ops", "--yes")
        self.until_group(["cy"])
        self.world.until("it is announced", lambda: len(self.messages()) == 4)
        self.assertEqual(len(self.uses("ops")), 3)
        self.assertEqual(self.causes(), ["adoption"] * 3 + ["handoff"])

    def test_an_outage_right_after_the_move_leaves_handoffs_on_time(self):
        self.start()
        self.world.kill()
        at = when(10)
        for system, schedule in (("opsgenie", "SAME"), ("jsm", "SAME")):
            self.world.control("override", system=system, schedule=schedule, person="cy", start=at, seconds=3600)
        self.world.cli("connection", "migrate", "og", "ops", "--yes")
        self.assertEqual(len(self.uses("ops")), 3)
        self.world.control("fault", system="jsm", kind="500")
        self.world.start()
        self.until_group(["cy"])
        self.world.control("clear_faults", system="jsm")
        self.world.until("it is announced", lambda: len(self.messages()) == 4)
        self.assertEqual(self.causes(), ["adoption"] * 3 + ["handoff"])

    def test_a_difference_that_ends_within_a_minute_is_one(self):
        self.start()
        self.world.control("override", system="jsm", schedule="SAME", person="cy", start=0, seconds=40)
        differences = next(p for p in self.dry()["pairs"] if p["old"] == "og/SAME")["differences"]
        self.assertEqual([(d["old"], d["new"]) for d in differences], [(["ada@example.com"], ["cy@example.com"])])
        self.assertIn("no rotation would move now: og/SAME says that ada@example.com is on call now",
                      self.world.cli("connection", "migrate", "og", "ops", "--dry-run"))
        self.assertEqual(self.world.cli("connection", "migrate", "og", "ops", "--yes", check=False).count("moved"), 0)
        self.assertEqual(len(self.uses("og")), 3)

    def test_what_two_runs_moved_goes_back_by_one(self):
        self.world.control("delete", system="jsm", id="jsm-net")
        self.world.cli("connection", "migrate", "og", "ops", "--yes")
        self.assertEqual(self.uses("og"), ["og/og-net"])
        self.schedule("jsm", "jsm-net", "NOC", ["cy", "ada"], shift_seconds=40000)
        self.world.cli("connection", "migrate", "og", "ops")
        self.assertEqual(self.uses("og"), [])
        self.world.cli("rotation", "delete", "network", "--yes")
        said = self.world.cli("connection", "migrate", "og", "ops", "--undo")
        self.assertIn('rotation "network" is not moved back: it was deleted', said)
        self.assertEqual(self.uses("og"), ["og/SAME", "og/og-db"])
        self.assertEqual(self.uses("ops"), [])

    def test_a_pair_of_which_one_side_says_nothing_is_not_moved(self):
        self.world.control("fault", system="opsgenie", kind="500")
        done = subprocess.run([f"{BIN}/watchbill", "--config", self.world.config, "connection", "migrate", "og", "ops",
                               "--yes"], capture_output=True, text=True, timeout=90)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('rotation "platform" stays with og: og/SAME and ops/SAME could not be compared', done.stdout)
        self.assertEqual(len(self.uses("og")), 3)

    def test_who_differs_now_is_not_moved_and_later_differences_are_asked_about(self):
        self.start()
        self.world.control("override", system="jsm", schedule="SAME", person="cy", start=0, seconds=3600)
        differences = next(p for p in self.dry()["pairs"] if p["old"] == "og/SAME")["differences"]
        self.assertEqual([(d["old"], d["new"]) for d in differences], [(["ada@example.com"], ["cy@example.com"])])
        self.assertEqual(self.world.cli("connection", "migrate", "og", "ops", "--yes", check=False).count("moved"), 0)
        self.assertEqual(len(self.uses("og")), 3)
        self.world.control("delete", system="jsm", id="SAME")
        self.schedule("jsm", "SAME", "Platform team", ["ada", "cy"])
        self.assertEqual(self.world.cli("connection", "migrate", "og", "ops", check=False).count("moved"), 0)
        self.assertEqual(len(self.uses("og")), 3)
        self.world.cli("connection", "migrate", "og", "ops", "--yes")
        self.assertEqual(self.uses("og"), [])
        self.nothing_happens()

    def test_a_schedule_without_a_partner_stays_with_its_rotation(self):
        self.world.control("delete", system="jsm", id="jsm-net")
        dry = self.dry()
        self.assertEqual(dry["unpaired"], ["og/og-net"])
        self.assertEqual(self.world.cli("connection", "migrate", "og", "ops", check=False).count("moved"), 0)
        moved = self.world.json("connection", "migrate", "og", "ops", "--yes")
        self.assertEqual(sorted(moved["moved"]), ["database", "platform"])
        self.assertEqual([r["rotation"] for r in moved["left"]], ["network"])
        self.assertEqual(self.uses("og"), ["og/og-net"])

    def test_differences_are_shown_while_it_watches(self):
        process = subprocess.Popen([f"{BIN}/watchbill", "--config", self.world.config, "connection", "migrate", "og",
                                    "ops", "--dry-run", "--watch", "8s"], stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        made = self.world.control("override", system="jsm", schedule="SAME", person="cy", start=0, seconds=3600)
        time.sleep(3)
        self.world.control("cancel_override", system="jsm", schedule="SAME", id=made["id"])
        said = process.communicate(timeout=30)[0]
        self.assertEqual(process.returncode, 0)
        self.assertIn("og/SAME says ada@example.com, ops/SAME says cy@example.com", said)
        self.assertIn("og/SAME and ops/SAME are equal again", said)

    def test_killed_at_each_step_all_of_it_or_nothing_has_moved(self):
        shim = os.path.join(self.world.folder, "kill_at.so")
        subprocess.run(["c++", "-shared", "-fPIC", "-O1", "-o", shim, os.path.join(HERE, "kill_at.cpp"), "-ldl"], check=True)
        outcomes, step = set(), 1
        while True:
            done = subprocess.run([f"{BIN}/watchbill", "--config", self.world.config, "connection", "migrate", "og", "ops"],
                                  env={**os.environ, "LD_PRELOAD": shim, "KILL_AT": str(step)}, capture_output=True)
            left = len(self.uses("og"))
            self.assertIn(left, (0, 3), f"killed at {step}")
            outcomes.add(left)
            if left == 0:
                self.world.cli("connection", "migrate", "og", "ops", "--undo")
                self.assertEqual(len(self.uses("og")), 3)
            if done.returncode != -signal.SIGKILL:
                break
            step += 3
        self.assertEqual(outcomes, {0, 3})

    def test_mappings_of_people_move_too(self):
        self.world.control("person", key="ada", opsgenie={"id": "og-ada"}, jsm={"id": "712020:ada"})
        self.world.cli("people", "map", "og/og-ada", "cy@example.com")
        self.assertEqual([p["differences"] for p in self.dry()["pairs"]], [[], [], []])
        self.world.cli("connection", "migrate", "og", "ops")
        people = {m["person"]: m["member"] for m in self.world.json("people", "list")["mappings"]}
        self.assertEqual(people.get("ops/712020:ada"), people["og/og-ada"])

    def test_a_person_whose_address_is_hidden_is_named_once_with_the_command(self):
        self.world.control("person", key="ada", jsm={"id": "712020:ada", "email_hidden": True})
        self.world.control("delete", system="jsm", id="SAME")
        self.world.control("delete", system="opsgenie", id="SAME")
        for system in ("opsgenie", "jsm"):
            self.schedule(system, "SAME", "Platform", ["ada", "bo"], shift_seconds=7200)
        self.start()
        said = self.world.cli("connection", "migrate", "og", "ops", "--dry-run")
        self.assertIn("connection ops shows no e-mail address of Ada (ops/712020:ada): say who that is with "
                      "`watchbill people map ops/712020:ada U…`", said)
        self.assertEqual(said.count("people map ops/"), 1)
        self.assertEqual(len(re.findall("og/SAME says ada", said)), 1, said)
        self.assertRegex(said, r"; and \d+ more times until ")
        self.world.cli("people", "map", "ops/712020:ada", "ada@example.com")
        self.world.cli("connection", "migrate", "og", "ops")
        self.assertEqual(self.uses("og"), [])

    def test_of_several_partners_one_is_chosen(self):
        self.schedule("jsm", "jsm-db-2", "database", ["bo", "cy"])
        said = self.world.cli("connection", "migrate", "og", "ops", "--yes")
        self.assertIn("og/og-db has no partner in ops that is certain: ops/jsm-db, ops/jsm-db-2 have its name. "
                      "`--pair og/og-db=ops/jsm-db` chooses one", said)
        self.assertEqual(said.count('rotation "database" stays'), 1)
        self.world.cli("connection", "migrate", "og", "ops", "--pair", "og/og-db=ops/jsm-db-2")
        self.assertEqual(self.uses("ops"), ["ops/SAME", "ops/jsm-db-2", "ops/jsm-net"])
        self.assertIn("(moved from og/og-db to ops/jsm-db-2)", self.world.cli("history", "database"))
        self.world.cli("connection", "migrate", "og", "ops", "--undo")
        done = subprocess.run([f"{BIN}/watchbill", "--config", self.world.config, "connection", "remove", "og", "--yes"],
                              capture_output=True, text=True, timeout=90)
        self.assertIn("`watchbill connection migrate og NEW`", done.stderr)

    def test_opsgenie_says_when_it_ends(self):
        listed = {c["name"]: c["ends"] for c in self.world.json("connection", "list")}
        self.assertEqual(listed, {"og": "2027-04-05", "ops": None})
        self.assertIn("2027-04-05", self.world.cli("connection", "list"))
        doctor = json.loads(self.world.cli("doctor", "--format", "json", check=False))
        checks = [c for c in doctor["checks"] if "2027-04-05" in c["detail"]]
        self.assertEqual([(c["check"], c["state"]) for c in checks], [("connection og", "warn")])


class Document(unittest.TestCase):
    def test_the_walk_of_the_document_works(self):
        with open(os.path.join(HERE, "..", "..", "docs", "opsgenie-to-jsm.md"), encoding="utf-8") as file:
            walk = file.read().split("## Try it first")[1]
        start, commands = re.findall(r"```\n(.*?)```", walk, re.S)
        folder = tempfile.mkdtemp(prefix="watchbill-walk-")
        self.addCleanup(shutil.rmtree, folder)
        environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "TMPDIR": folder}
        environment.pop("WATCHBILL_CONFIG", None)
        make, run = start.rsplit("\n", 2)[0], start.strip().splitlines()[-1]
        subprocess.run(["bash", "-ec", make], cwd=folder, env=environment, check=True)
        with open(os.path.join(folder, "said"), "w+") as said, \
                subprocess.Popen(run.split(), cwd=folder, env=environment, stdout=said, stderr=said) as sandbox:
            try:
                end = time.monotonic() + 60
                ready = "until watchbill status | grep -q in_sync; do sleep 0.2; done\n"
                while not glob.glob(f"{folder}/watchbill-sandbox-*/watchbill.yaml"):
                    self.assertLess(time.monotonic(), end, "the sandbox did not begin")
                    time.sleep(0.1)
                export, rest = commands.split("\n", 1)
                done = subprocess.run(["bash", "-ec", f"{export}\n{ready}{rest}"], cwd=folder, env=environment, text=True,
                                      capture_output=True, timeout=90)
            finally:
                sandbox.terminate()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("moved from opsgenie to jsm: platform", done.stdout)
        self.assertIn("moved from jsm to opsgenie: platform", done.stdout)
        self.assertNotIn("handoff", done.stdout)


if __name__ == "__main__":
    if not BIN:
        sys.exit(__doc__)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
