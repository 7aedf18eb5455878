"""`watchbill setup` against the sandbox: answered by a person at a terminal, and by a script.

usage: setup_system.py BIN_DIR
"""

import json
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request

BIN = os.path.abspath(sys.argv[1])

SCENARIO = """
people:
  - {key: ada, name: Ada Lindqvist, email: ada@example.com}
  - {key: bo, name: Bo Tanaka, email: bo@example.com}
channels:
  - {name: payments, bot: true}
  - {name: alerts, bot: true}
groups: []
schedules:
  - {system: pagerduty, id: PSCHED1, name: Payments primary, kind: layer, escalation_policies: 2,
     people: [ada, bo], shift_seconds: 86400, start: -60}
"""


class Place:
    """A folder with a configuration that knows where the sandbox is, and nothing else."""

    def __init__(self, sandbox):
        self.folder = tempfile.mkdtemp(prefix="watchbill-setup-")
        self.sandbox = sandbox
        self.config = self.path("watchbill.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"# mine\nstore: {self.path('store/watchbill.db')}\nkey_file: {self.path('store/key')}\nlisten: null\n"
                       f"poll_interval: 1s\nslack:\n  # where the sandbox is\n  api_url: {sandbox['slack_api']}\n  rate_scale: 1000\n")
        self.secret("pd.key", sandbox["keys"]["pagerduty"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def secret(self, name, text):
        with os.fdopen(os.open(self.path(name), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text + "\n")
        return self.path(name)

    def environment(self):
        return {**os.environ, "WATCHBILL_CONFIG": self.config}

    def run(self, *arguments):
        return subprocess.run([f"{BIN}/watchbill", *arguments], cwd=self.folder, env=self.environment(), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=90)

    def answer(self, *answers):
        """Runs `watchbill setup` at a terminal: each answer is (what is asked, what is typed)."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(f"{BIN}/watchbill", ["watchbill", "setup", "--base-url", self.sandbox["pagerduty"]],
                      self.environment())
        shown = ""
        waiting = list(answers)
        end = time.monotonic() + 90
        seen = 0
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 0.5)
            if ready:
                try:
                    data = os.read(terminal, 4096)
                except OSError:
                    break
                if not data:
                    break
                shown += data.decode(errors="replace")
            if waiting and waiting[0][0] in shown[seen:]:
                seen = len(shown)
                os.write(terminal, (waiting.pop(0)[1] + "\n").encode())
        _, status = os.waitpid(child, 0)
        assert not waiting, (waiting, shown)
        return os.waitstatus_to_exitcode(status), shown

    def check(self):
        """What a finished setup leaves."""
        status = json.loads(self.run("status", "--format", "json").stdout)
        assert [r["state"] for r in status["rotations"]] == ["in_sync"], status
        token = self.path("slack-bot-token")
        assert stat.S_IMODE(os.stat(token).st_mode) == 0o600
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        assert "# mine" in text and "# where the sandbox is" in text and "alert_channel: C" in text, text
        assert self.sandbox["tokens"]["bot"] not in text

    def close(self):
        shutil.rmtree(self.folder)


def by_a_person(sandbox):
    place = Place(sandbox)
    try:
        code, shown = place.answer(
            ("Bot token", "nonsense"),
            ("begin with xoxb-", "xoxb-wrong"),
            ("invalid_auth", sandbox["tokens"]["bot"]),
            ("App-level token", sandbox["tokens"]["app"]),
            ("Channel in which problems are told", "#nowhere"),
            ("no channel #nowhere", "#alerts"),
            ("Which scheduling system", "pagerdudy"),
            ("no kind of scheduling system", "pagerduty"),
            ("What to call the connection", "pd"),
            ("(FILE)", place.path("missing.key")),
            # Told what is wrong, and asked again.
            ("Which scheduling system", "pagerduty"),
            ("What to call the connection", "pd"),
            ("(FILE)", place.path("pd.key")),
            ("The first rotation's name", "payments"),
            ("Its user group", "@payments-oncall"),
            ("Its schedule", "pd/PSCHED1"),
            ("Channel that hears", "#payments"),
        )
        assert code == 0, shown
        assert sandbox["tokens"]["bot"] not in shown and sandbox["tokens"]["app"] not in shown, "a token was shown"
        assert "PSCHED1" in shown and "in_sync" in shown, shown
        place.check()
        # Run again, with nobody to ask: nothing changes, and it is not an error.
        with open(place.config, encoding="utf-8") as file:
            before = file.read()
        again = place.run("setup")
        assert again.returncode == 0, again
        with open(place.config, encoding="utf-8") as file:
            assert file.read() == before
        place.check()
    finally:
        place.close()


def given_up_in_the_middle(sandbox):
    """Ctrl-C at a question whose answer is hidden: nothing is written, and the terminal shows again what is typed."""
    place = Place(sandbox)
    try:
        before = set(os.listdir(place.folder))
        with open(place.config, encoding="utf-8") as file:
            text = file.read()
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(place.folder)
            os.execve(f"{BIN}/watchbill", ["watchbill", "setup"], place.environment())
        shown = ""
        while "(not shown)" not in shown:
            shown += os.read(terminal, 4096).decode(errors="replace")
        assert not termios.tcgetattr(terminal)[3] & termios.ECHO
        os.write(terminal, b"xoxb-half\x03")
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
        assert termios.tcgetattr(terminal)[3] & termios.ECHO, "the terminal stays mute"
        os.close(terminal)
        assert set(os.listdir(place.folder)) == before
        with open(place.config, encoding="utf-8") as file:
            assert file.read() == text
    finally:
        place.close()


def by_a_script(sandbox):
    place = Place(sandbox)
    try:
        refused = place.run("setup")
        assert refused.returncode == 2 and "--bot-token-file" in refused.stderr, refused
        wrong = place.run("setup", "--bot-token-file", place.secret("wrong", "xoxb-wrong"))
        assert wrong.returncode != 0 and "slack.bot_token_file" in wrong.stderr, wrong
        assert not os.path.exists(place.path("slack-bot-token"))
        nothing = place.run("setup", "--bot-token-file", place.secret("bot", sandbox["tokens"]["bot"]), "--kind", "jira", "--yes")
        assert nothing.returncode == 2 and "--kind" in nothing.stderr, nothing
        command = ("setup", "--bot-token-file", place.secret("bot", sandbox["tokens"]["bot"]), "--alert-channel", "#alerts",
                   "--kind", "pagerduty", "--name", "pd", "--api-key-file", place.path("pd.key"), "--base-url",
                   sandbox["pagerduty"], "--rotation", "scripted", "--group", "@script-oncall", "--schedule", "pd/PSCHED1",
                   "--channel", "#payments", "--yes", "--format", "json")
        for attempt in ("first", "again"):
            done = place.run(*command)
            assert done.returncode == 0 and done.stdout, (attempt, done)
            assert [r["name"] for r in json.loads(done.stdout.splitlines()[-1])["rotations"]] == ["scripted"], done.stdout
        place.check()
    finally:
        place.close()


def main():
    folder = tempfile.mkdtemp(prefix="watchbill-setup-")
    scenario = os.path.join(folder, "scenario.yaml")
    with open(scenario, "w", encoding="utf-8") as file:
        file.write(SCENARIO)
    process = subprocess.Popen([f"{BIN}/watchbill", "sandbox", "--servers-only", "--scenario", scenario],
                               stdout=subprocess.PIPE, text=True)
    try:
        ready = json.loads(process.stdout.readline())
        request = urllib.request.Request(ready["control"] + "/_control", json.dumps({"do": "rate", "scale": 1000}).encode())
        urllib.request.urlopen(request, timeout=10).close()
        by_a_person(ready)
        given_up_in_the_middle(ready)
        by_a_script(ready)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
    print("ok")


main()
