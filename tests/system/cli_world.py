"""What the tests of `watchbill` at a shell share: the sandbox's servers, a folder for each test, and commands that are run in it.

A test is a file cli_*_system.py, run as `FILE BIN_DIR [unittest arguments]`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
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


def main():
    if not BIN:
        sys.exit(__doc__)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
