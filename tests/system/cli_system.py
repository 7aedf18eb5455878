#!/usr/bin/env python3
"""The real `watchbill` (and `watchbilld`) against the sandbox's servers: what a person at a shell relies on.

usage: cli_system.py BIN_DIR [unittest arguments]
"""
import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

# Slack's own schema of manifests (slackapi/manifest-schema), if it is at hand.
SCHEMA = os.environ.get("SLACK_MANIFEST_SCHEMA", "")
BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""

SCENARIO = """
people:
  - {key: ada, name: Ada Lindqvist, email: ada@example.com}
  - {key: bo, name: Bo Tanaka, email: bo@example.com}
  - {key: cleo, name: Cleo Martins, email: cleo@example.com}
  - {key: guest, name: Gus Guest, email: gus@example.com, slack: {guest: multi}}
  - {key: kim, name: Kim Ode, email: kim@example.com, slack: false}
  - {key: otto, name: Otto Outsider, email: otto@example.com, pagerduty: false, opsgenie: false, xmatters: false}
channels:
  - {name: payments, bot: true}
  - {name: general, bot: false}
  - {name: old, archived: true}
  - {name: secret, private: true, bot: false}
groups:
  - {handle: payments-oncall, name: Payments on-call, people: [otto], default_channels: [general], by: bo}
  - {handle: search-oncall, name: Search on-call, people: [ada]}
  - {handle: resting, name: Resting, people: [otto], disabled: true}
  - {handle: bosses, name: Bosses, people: [otto], auto_type: admin}
schedules:
  - {system: pagerduty, id: PSCHED1, name: Payments primary, kind: layer, escalation_policies: 2,
     people: [ada, bo], shift_seconds: 86400, start: -60}
  - {system: pagerduty, id: PKIM, name: Kim only, kind: layer, escalation_policies: 1,
     people: [kim], shift_seconds: 86400, start: -60}
  - {system: opsgenie, id: d875e654-9b4e-4219-a803-0c26936870de, name: Platform,
     people: [cleo], shift_seconds: 86400, start: -60}
  - {system: xmatters, id: 3c765cff-3fe3-4229-8dc4-6b41c3d701a2, name: Database,
     people: [[ada, cleo]], delays: [0, 15], shift_seconds: 86400, start: -60}
"""

PLATFORM = "og/d875e654-9b4e-4219-a803-0c26936870de"


def write_private(path, text):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


class Sandbox:
    """The servers, started once for all tests."""

    def __init__(self, folder):
        scenario = os.path.join(folder, "scenario.yaml")
        with open(scenario, "w") as file:
            file.write(SCENARIO)
        self.process = subprocess.Popen(
            [os.path.join(BIN, "watchbill"), "sandbox", "--servers-only", "--scenario", scenario],
            stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        # A limit of Slack's that waits for real would make every test slow.
        self.do("rate", scale=1000)

    def do(self, action, **fields):
        request = urllib.request.Request(self.ready["control"] + "/_control",
                                         json.dumps({"do": action, **fields}).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def group(self, handle):
        groups = self.do("state", only=["groups"])["groups"]
        return next((g for g in groups if g["handle"] == handle), None)

    def messages(self, channel):
        return self.do("messages", channel=channel)["messages"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.mkdtemp(prefix="watchbill-cli-")
        cls.sandbox = Sandbox(cls.base)
        tokens, keys = cls.sandbox.ready["tokens"], cls.sandbox.ready["keys"]
        cls.secrets = [tokens["bot"], keys["pagerduty"], keys["opsgenie"], keys["xmatters_secret"], "wr0ng-key"]

    @classmethod
    def tearDownClass(cls):
        code = cls.sandbox.stop()
        shutil.rmtree(cls.base)
        assert code == 0, f"the sandbox ended with {code}"

    def setUp(self):
        self.sandbox.do("reset")
        self.sandbox.do("clear_faults", system="all")
        self.sandbox.do("rate", scale=1000)
        self.folder = tempfile.mkdtemp(dir=self.base)
        self.path = lambda name: os.path.join(self.folder, name)
        self.store = self.path("store/watchbill.db")
        ready = self.sandbox.ready
        write_private(self.path("bot"), ready["tokens"]["bot"] + "\n")
        write_private(self.path("pd.key"), ready["keys"]["pagerduty"] + "\n")
        write_private(self.path("og.key"), ready["keys"]["opsgenie"])
        write_private(self.path("xm.key"), ready["keys"]["xmatters_key"])
        write_private(self.path("xm.secret"), ready["keys"]["xmatters_secret"])
        write_private(self.path("bad.key"), "wr0ng-key")
        with open(self.path("watchbill.yaml"), "w") as file:
            file.write(f"store: {self.store}\nkey_file: {self.path('store/key')}\npoll_interval: 1s\nlisten: "
                       f"127.0.0.1:0\nslack:\n  api_url: {ready['slack_api']}\n  bot_token_file: "
                       f"{self.path('bot')}\n  rate_scale: 1000\n")

    def run_any(self, *args, stdin="", env=None):
        """Runs a command and checks what holds for all: secrets are never printed."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WATCHBILL_")}
        environment.update({"WATCHBILL_CONFIG": self.path("watchbill.yaml"), **(env or {})})
        done = subprocess.run([os.path.join(BIN, "watchbill"), *args], input=stdin, env=environment, cwd=self.folder,
                              capture_output=True, text=True, timeout=90)
        for secret in self.secrets:
            self.assertNotIn(secret, done.stdout + done.stderr, args)
        return done

    def ok(self, *args, **options):
        done = self.run_any(*args, **options)
        self.assertEqual(done.returncode, 0, f"{args}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *args, **options):
        return json.loads(self.ok(*args, "--format", "json", **options))

    def fails(self, code, *args, says="", **options):
        """The command ends with `code`, tells why on standard error, and prints nothing else."""
        done = self.run_any(*args, **options)
        self.assertEqual(done.returncode, code, f"{args}: {done.stdout}{done.stderr}")
        self.assertIn("watchbill: ", done.stderr)
        self.assertIn(says, done.stderr)
        return done.stderr

    def connect(self):
        ready = self.sandbox.ready
        self.ok("connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key", "--base-url", ready["pagerduty"])
        self.ok("connection", "add", "opsgenie", "og", "--api-key-file", "og.key", "--base-url", ready["opsgenie"])

    def payments(self, *more):
        self.ok("rotation", "create", "payments", "--group", "@payments-oncall", "--schedule", "pd/PSCHED1",
                "--channel", "#payments", "--adopt", "--yes", *more)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return name


class Connections(Case):
    def test_good_credentials_are_saved_sealed(self):
        ready = self.sandbox.ready
        added = self.json("connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key", "--base-url",
                          ready["pagerduty"])
        self.assertEqual((added["name"], added["kind"], added["verified"]), ("pd", "pagerduty", True))
        self.ok("connection", "add", "opsgenie", "og", "--api-key-file", "-", "--base-url", ready["opsgenie"],
                stdin=ready["keys"]["opsgenie"] + "\n")
        self.ok("connection", "add", "xmatters", "xm", "--host", "https://www.acme.xmatters.com/", "--api-key-file",
                "xm.key", "--api-secret-file", "xm.secret", "--base-url", ready["xmatters"])
        listed = self.json("connection", "list")
        self.assertEqual([(c["name"], c["kind"], c["secrets"]) for c in listed],
                         [("og", "opsgenie", ["api_key"]), ("pd", "pagerduty", ["api_key"]),
                          ("xm", "xmatters", ["api_key", "api_secret"])])
        self.assertEqual(listed[2]["settings"]["host"], "acme.xmatters.com")
        self.ok("connection", "list")
        self.ok("connection", "test", "xm")
        for name in os.listdir(self.path("store")):
            with open(self.path("store/" + name), "rb") as file:
                content = file.read()
            for secret in self.secrets:
                self.assertNotIn(secret.encode(), content, name)

    def configure_oauth(self):
        ready = self.sandbox.ready
        write_private(self.path("app.secret"), ready["keys"]["pagerduty_client_secret"])
        with open(self.path("watchbill.yaml"), "a") as file:
            file.write(f"pagerduty:\n  oauth_client_id: {ready['keys']['pagerduty_client_id']}\n"
                       f"  oauth_client_secret_file: {self.path('app.secret')}\n"
                       f"  identity_url: {ready['identity']}\n  api_url: {ready['pagerduty']}\n")

    def sign_in(self, *args, decision="accept", before=None, change=lambda url: url):
        """Runs a command with --oauth, and is the browser: (exit code, standard output, error, last page)."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WATCHBILL_")}
        environment["WATCHBILL_CONFIG"] = self.path("watchbill.yaml")
        process = subprocess.Popen([os.path.join(BIN, "watchbill"), *args, "--oauth", "--port", "0"], env=environment,
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = ""
        while "Waiting for" not in said:
            line = process.stderr.readline()
            self.assertTrue(line, said)
            said += line
        self.assertRegex(said, r"ssh -L (\d+):127\.0\.0\.1:\1 ")
        url = next(line.strip() for line in said.splitlines() if "/oauth/authorize?" in line)
        callback = urllib.parse.parse_qs(urllib.parse.urlparse(url).query)["redirect_uri"][0]
        if before:
            before(callback)
        page = urllib.request.urlopen(url, timeout=10).read().decode()
        form = {"request": re.search(r'name="request" value="([^"]+)"', page)[1], "person": "ada",
                "decision": decision}
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(self.sandbox.ready["identity"] + "/oauth/consent",
                        urllib.parse.urlencode(form).encode(), timeout=10)
            self.fail("no redirect")
        except urllib.error.HTTPError as error:
            back = change(error.headers["Location"])
        last = urllib.request.urlopen(back, timeout=20).read().decode()
        out, err = process.communicate(timeout=30)
        for secret in self.secrets + [self.sandbox.ready["keys"]["pagerduty_client_secret"]]:
            self.assertNotIn(secret, out + said + err + last)
        return process.returncode, out, said + err, last

    def test_signing_in_with_a_browser_makes_a_connection(self):
        self.configure_oauth()

        def strangers(callback):
            for path in (callback, callback + "?code=x&state=wrong", callback.replace("/callback", "/other")):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(path, timeout=10)
                self.assertIn(refused.exception.code, (400, 404))

        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd", before=strangers)
        self.assertEqual(code, 0, err)
        self.assertIn("connection pd added: it opens", out)
        self.assertIn("Watchbill is connected to", page)
        listed = self.json("connection", "list")
        self.assertEqual([c["name"] for c in listed], ["pd"])
        self.assertEqual(listed[0]["secrets"], ["access_token", "client_secret", "refresh_token"])
        self.assertEqual(listed[0]["settings"]["region"], "us")
        self.ok("connection", "test", "pd")
        self.payments()
        # Signing in again keeps the connection and its rotations.
        code, out, err, page = self.sign_in("connection", "update", "pd")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.json("rotation", "list")), 1)
        self.ok("connection", "test", "pd")
        self.ok("sync")

    def test_signing_in_that_fails_says_why_here_and_in_the_browser_and_saves_nothing(self):
        self.configure_oauth()
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd", decision="deny")
        self.assertEqual(code, 1)
        self.assertIn("access was refused at PagerDuty", err)
        self.assertIn("access was refused at PagerDuty", page)
        self.sandbox.do("pagerduty", withheld_scopes=["users.read"])
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd")
        self.assertEqual(code, 5)
        self.assertIn("lacks the scope users.read", err)
        self.assertIn("lacks the scope users.read", page)
        self.sandbox.do("pagerduty", withheld_scopes=[], code_seconds=0)
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd")
        self.assertEqual(code, 1)
        self.assertIn("30 seconds", err)
        self.assertFalse(os.path.exists(self.store))
        self.sandbox.do("pagerduty", code_seconds=30, region="eu")
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.json("connection", "list")[0]["settings"]["region"], "eu")

    def test_signing_in_needs_a_configured_app_and_a_free_name(self):
        self.fails(3, "connection", "add", "pagerduty", "pd", "--oauth", says="pagerduty.oauth_client_id")
        self.configure_oauth()
        self.connect()
        self.fails(4, "connection", "add", "pagerduty", "pd", "--oauth", says="exists already")
        self.fails(2, "connection", "update", "og", "--oauth", says="only PagerDuty")
        self.fails(2, "connection", "update", "pd", "--oauth", "--region", "eu", says="not with --oauth")
        self.fails(2, "connection", "update", "pd", "--oauth", "--port", "x", says="--port")

    def test_an_oauth_app_of_pagerduty_is_tried_at_its_token_endpoint(self):
        ready = self.sandbox.ready
        write_private(self.path("app.secret"), ready["keys"]["pagerduty_client_secret"])
        self.ok("connection", "add", "pagerduty", "pd", "--client-id", ready["keys"]["pagerduty_client_id"],
                "--client-secret-file", "app.secret", "--subdomain", ready["keys"]["pagerduty_subdomain"],
                "--base-url", ready["pagerduty"], "--identity-url", ready["identity"])
        self.ok("connection", "test", "pd")
        # Back to a key: what the app needed is gone.
        self.ok("connection", "update", "pd", "--api-key-file", "pd.key")
        self.assertEqual(self.json("connection", "list")[0]["secrets"], ["api_key"])

    def test_bad_credentials_are_not_saved(self):
        url = self.sandbox.ready["pagerduty"]
        self.fails(1, "connection", "add", "pagerduty", "pd", "--api-key-file", "bad.key", "--base-url", url,
                   says="nothing was saved")
        self.assertFalse(os.path.exists(self.store))
        self.ok("connection", "add", "pagerduty", "pd", "--api-key-file", "bad.key", "--base-url", url, "--no-verify")
        self.fails(1, "connection", "test", "pd", says="watchbill connection update pd")
        self.ok("connection", "update", "pd", "--api-key-file", "pd.key")
        self.ok("connection", "test", "pd")
        self.fails(1, "connection", "update", "pd", "--api-key-file", "bad.key")
        self.ok("connection", "test", "pd")

    def test_what_cannot_be_right_is_refused_before_anything_is_sent(self):
        self.fails(2, "connection", "add", "pagerduty", "Pd!", "--api-key-file", "pd.key")
        self.fails(2, "connection", "add", "jira", "j", "--api-key-file", "pd.key", says="pagerduty")
        self.fails(2, "connection", "add", "opsgenie", "og", "--host", "x", "--api-key-file", "og.key",
                   says="--host: a connection to Opsgenie has no such option")
        self.fails(2, "connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key", "--base-url",
                   "http://example.com")
        self.fails(3, "connection", "add", "pagerduty", "pd", "--api-key-file", "nothing.key", says="nothing.key")
        self.fails(2, "connection", "add", "pagerduty", "pd", "--api-key-file", "-", stdin="", says="is empty")
        self.fails(3, "connection", "list", says="there is no store")

    def test_names_are_taken_once_and_removal_is_refused_while_in_use(self):
        self.connect()
        self.fails(4, "connection", "add", "opsgenie", "pd", "--api-key-file", "og.key", says="connection update pd")
        self.payments()
        self.fails(4, "connection", "remove", "pd", "--yes", says="payments")
        self.fails(2, "connection", "remove", "og", says="--yes")
        self.ok("connection", "remove", "og", "--yes")
        self.fails(3, "connection", "test", "og")

    def test_schedules_are_listed_by_name_and_searched(self):
        self.connect()
        refs = [s["ref"] for s in self.json("schedule", "list")]
        self.assertEqual(refs, ["pd/PKIM", "pd/PSCHED1", PLATFORM])
        self.assertEqual([s["ref"] for s in self.json("schedule", "list", "--search", "PAYMENTS")], ["pd/PSCHED1"])
        self.assertEqual([s["ref"] for s in self.json("schedule", "list", "--connection", "og")], [PLATFORM])
        self.fails(3, "schedule", "list", "--connection", "nope")
        self.sandbox.do("fault", system="opsgenie", kind="500")
        done = self.run_any("schedule", "list", "--format", "json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([s["ref"] for s in json.loads(done.stdout)], ["pd/PKIM", "pd/PSCHED1"])
        self.assertIn("connection og", done.stderr)


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
        self.assertFalse(self.sandbox.group("resting")["disabled"])
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
        for ref in ("pd/policy:P1", "pd/P1#A", "local/x", "rotation:y"):
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

    def test_status_is_as_programs_rely_on(self):
        self.payments()
        self.ok("sync")
        status = self.json("status")
        self.assertEqual(set(status), {"rotations", "connections", "outbox", "queue", "daemon", "slack_app"})
        rotation = status["rotations"][0]
        self.assertEqual(list(rotation), ["name", "group", "state", "members", "on_call", "next_boundary", "next",
                                          "problems"])
        self.assertEqual(rotation["group"], {"id": "S0PAYMENTSONCALL", "handle": "payments-oncall"})
        self.assertEqual((rotation["state"], rotation["members"]), ("in_sync", ["U0ADA"]))
        person = rotation["on_call"][0]
        self.assertEqual(list(person), ["name", "email", "member", "schedule", "until"])
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
        self.fails(2, "history", "--since", "yesterday")
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


class Store(Case):
    def test_a_store_that_is_locked_or_open_to_others_gives_a_clear_error(self):
        self.connect()
        database = sqlite3.connect(self.store, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        try:
            self.fails(1, "people", "map", "a@example.com", "U0BO", "--no-verify", says="another process")
            self.ok("connection", "list")  # reading needs no lock
        finally:
            database.execute("ROLLBACK")
            database.close()
        os.chmod(self.store, 0o644)
        self.fails(5, "connection", "list", says="chmod")

    def test_a_person_at_a_terminal_is_asked(self):
        self.connect()

        def answer(text):
            person, terminal = pty.openpty()
            program = subprocess.Popen([os.path.join(BIN, "watchbill"), "connection", "remove", "og"], stdin=terminal,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       env={**os.environ, "WATCHBILL_CONFIG": self.path("watchbill.yaml")})
            os.write(person, text.encode())
            _, question = program.communicate(timeout=30)
            os.close(person)
            os.close(terminal)
            self.assertIn("Remove connection og and its credentials? [y/N]", question)
            return program.returncode

        self.assertEqual(answer("n\n"), 1)
        self.assertEqual(answer("\n"), 1)
        self.assertEqual([c["name"] for c in self.json("connection", "list")], ["og", "pd"])
        self.assertEqual(answer("y\n"), 0)
        self.assertEqual([c["name"] for c in self.json("connection", "list")], ["pd"])

    def test_another_store_has_its_own_key(self):
        other = self.path("elsewhere/w.db")
        self.ok("connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key", "--no-verify", "--store", other,
                env={"WATCHBILL_CONFIG": self.write("minimal.yaml", "poll_interval: 5s\n") and self.path("minimal.yaml")})
        self.assertTrue(os.path.exists(self.path("elsewhere/key")))
        self.assertEqual(os.stat(self.path("elsewhere/key")).st_mode & 0o777, 0o600)

    def test_mistakes_in_the_configuration_are_told_with_their_place(self):
        self.write("watchbill.yaml", "pol_interval: 5s\n")
        self.fails(2, "status", says="watchbill.yaml:1:1: pol_interval")
        self.fails(3, "--config", "/nowhere.yaml", "status", says="/nowhere.yaml")

    def completed(self, shell, *words):
        """What the shell itself offers for these words, the last of which is being typed."""
        script = self.ok("completion", shell)
        environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "WATCHBILL_CONFIG": self.path("watchbill.yaml")}
        line = " ".join(words) or "''"
        ask = {
            "bash": f"\nCOMP_WORDS=({line}) COMP_CWORD={len(words) - 1}\n_watchbill\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            # compinit's functions, replaced by what shows their arguments
            "zsh": "\n_files() { print :files }\n_describe() { print -rl -- ${(P)4} }\n"
                   f"words=({line}) CURRENT={len(words)}\n_watchbill",
            "fish": f"\ncomplete -C '{line.replace(chr(39), '')}'",
        }[shell]
        before = "compdef() { : }\n" if shell == "zsh" else ""
        done = subprocess.run([shell, "-c", before + script + ask], capture_output=True, text=True, check=True,
                              env=environment, cwd=self.folder)
        return [re.split(r"(?<!\\)[:\t]", found)[0] for found in done.stdout.splitlines() if found]

    def test_shells_complete_commands_options_and_names(self):
        self.connect()
        self.payments()
        self.ok("rotation", "edit", "payments", "--name", "Pay & go")
        for shell in ("bash", "zsh", "fish"):
            if not shutil.which(shell):
                continue
            with self.subTest(shell):
                name = "Pay & go" if shell == "zsh" else "Pay\\ \\&\\ go" if shell == "bash" else "Pay & go"
                self.assertEqual(self.completed(shell, "watchbill", "rotation", "cr"), ["create"])
                self.assertEqual(self.completed(shell, "watchbill", "rotation", "show", "Pay"), [name])
                self.assertEqual(self.completed(shell, "watchbill", "connection", "test", "p"), ["pd"])
                self.assertEqual(self.completed(shell, "watchbill", "who", "@pay"), ["@payments-oncall"])
                self.assertEqual(self.completed(shell, "watchbill", "status", "--format", "j"), ["json"])

    def test_completion_is_silent_where_there_is_no_store(self):
        self.assertEqual(self.ok("__complete", "rotation", "show", ""), "")
        self.assertIn("status\t", self.ok("__complete", "st"))


@unittest.skipUnless(os.path.exists(os.path.join(BIN, "watchbilld")), "watchbilld is not built")
class WithDaemon(Case):
    def setUp(self):
        super().setUp()
        self.connect()
        self.log = open(self.path("log"), "w")
        self.daemon = subprocess.Popen([os.path.join(BIN, "watchbilld"), "--config", self.path("watchbill.yaml")],
                                       stdout=self.log, stderr=self.log)
        self.wait(lambda: self.json("status")["daemon"]["running"])

    def tearDown(self):
        if self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(timeout=20)
        self.log.close()
        super().tearDown()

    def wait(self, condition):
        until = time.monotonic() + 30
        while not condition():
            self.assertIsNone(self.daemon.poll(), "the daemon ended")
            self.assertLess(time.monotonic(), until, "it did not come to that")
            time.sleep(0.05)

    def test_edits_reach_the_daemon_and_groups_are_made_by_it(self):
        self.ok("rotation", "create", "new", "--group", "@new-oncall", "--create-group", "--schedule", "pd/PSCHED1",
                "--channel", "#payments")
        self.assertIn("in_sync", self.ok("sync", "new"))
        self.assertEqual(self.sandbox.group("new-oncall")["users"], ["U0ADA"])
        self.wait(lambda: len(self.sandbox.messages("payments")) == 1)
        self.sandbox.do("override", system="pagerduty", schedule="PSCHED1", person="bo", start=-1, seconds=3600)
        self.wait(lambda: self.sandbox.group("new-oncall")["users"] == ["U0BO"])
        self.wait(lambda: self.json("history", "new")[0]["cause"] == "handoff"
                  and self.json("history", "new")[0]["result"] == "ok")
        handoff = self.json("history", "new")[0]
        self.assertEqual((handoff["before"], handoff["after"], handoff["by"]), (["U0ADA"], ["U0BO"], None))

    def test_a_group_is_given_back_while_the_daemon_runs(self):
        self.payments()
        self.wait(lambda: self.sandbox.group("payments-oncall")["users"] == ["U0ADA"])
        self.ok("rotation", "delete", "payments", "--restore", "--yes")
        self.assertEqual(self.sandbox.group("payments-oncall")["users"], ["U0OTTO"])

    def test_a_dead_daemon_is_seen(self):
        self.payments()
        self.wait(lambda: self.json("status")["rotations"][0]["state"] == "in_sync")
        self.daemon.kill()
        self.daemon.wait()
        status = self.json("status")
        self.assertFalse(status["daemon"]["running"])
        until = time.monotonic() + 30
        while self.json("status")["rotations"][0]["state"] != "stale":
            self.assertLess(time.monotonic(), until, "never stale")
            time.sleep(0.2)
        self.assertIn("watchbilld is not running", self.json("status")["rotations"][0]["problems"][0])


if __name__ == "__main__":
    if not BIN:
        sys.exit(__doc__)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
