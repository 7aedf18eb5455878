"""`watchbill setup` against the sandbox: answered by a person at a terminal, and by a script.

usage: setup_system.py BIN_DIR
"""

import json
import os
import pty
import select
import shutil
import signal
import socket
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

    def answer(self, *answers, options=None):
        """Runs `watchbill setup` at a terminal: each answer is (what is asked, what is typed)."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            given = ("--base-url", self.sandbox["pagerduty"]) if options is None else options
            os.execve(f"{BIN}/watchbill", ["watchbill", "setup", *given], self.environment())
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
        # Whoever still asks is left alone.
        os.close(terminal)
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
            ("this is not Slack's bot token", "xoxb-wrong"),
            # However it was copied.
            ("invalid_auth", f'SLACK_BOT_TOKEN="{sandbox["tokens"]["bot"]}"'),
            ("App-level token", sandbox["tokens"]["bot"]),
            ("it must be Slack's app-level token", sandbox["tokens"]["app"]),
            ("Channel in which problems are told", "#nowhere"),
            ("no channel #nowhere", "#alerts"),
            ("Which scheduling system", "pagerdudy"),
            ("no kind of scheduling system", "PagerDuty"),
            ("What to call the connection", "My PD"),
            ("lower case letters", "pd"),
            ("REST API key", "not-the-key"),
            ("Service region (us or eu)", "mars"),
            ("is none of them", ""),
            # Told what is wrong, and asked again.
            ("REST API key", f"Token token={sandbox['keys']['pagerduty']}"),
            ("Service region (us or eu)", "US"),
            ("The first rotation's name", "payments"),
            ("Its user group", "@here"),
            ("one of Slack's own words", "payments-oncall"),
            ("Its schedule", "Payments secondary"),
            ("no scheduling system has one of this name", "payments primary"),
            ("Channel that hears", "#nowhere"),
            ("Slack shows no such channel", "payments"),
        )
        assert code == 0, shown
        assert sandbox["tokens"]["bot"] not in shown and sandbox["tokens"]["app"] not in shown, "a token was shown"
        assert sandbox["keys"]["pagerduty"] not in shown and "not-the-key" not in shown, "a key was shown"
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


def where_another_program_listens(sandbox):
    place = Place(sandbox)
    other = socket.create_server(("127.0.0.1", 0))
    try:
        address = "127.0.0.1:%d" % other.getsockname()[1]
        with open(place.config, encoding="utf-8") as file:
            text = file.read()
        with open(place.config, "w", encoding="utf-8") as file:
            file.write(text.replace("listen: null", f"listen: {address}"))
        refused = place.run("setup", "--bot-token-file", place.secret("bot", sandbox["tokens"]["bot"]))
        assert refused.returncode == 4, refused
        assert refused.stderr == (f"watchbill: listen: address {address}: another program listens there already: set `listen` in "
                                  f"{place.config} to another port\n"), refused.stderr
        os.mkdir(place.path("store"), 0o700)
        daemon = subprocess.run([f"{BIN}/watchbilld", "--config", place.config], cwd=place.folder,
                                env={**place.environment(), "WATCHBILL_SLACK_BOT_TOKEN_FILE": place.path("bot")}, text=True,
                                capture_output=True, timeout=60, check=False)
        assert daemon.returncode == 1 and "another program listens there already" in daemon.stderr.splitlines()[-1], daemon
    finally:
        other.close()
        place.close()


def against_the_sandbox_s_own_configuration():
    """`watchbill sandbox --for-setup` leaves a configuration in which only answers are missing."""
    folder = tempfile.mkdtemp(prefix="watchbill-setup-")
    process = subprocess.Popen([f"{BIN}/watchbill", "sandbox", "--for-setup", f"{folder}/walk"], stdout=subprocess.PIPE, text=True)
    try:
        ready = json.loads(process.stdout.readline())
        place = Place(ready)
        place.config = f"{folder}/walk/watchbill.yaml"
        code, shown = place.answer(
            ("Bot token", ready["tokens"]["bot"]),
            ("App-level token", ""),
            ("Channel in which problems are told", ""),
            ("Which scheduling system", "opsgenie"),
            ("What to call the connection", ""),
            ("API key", ready["keys"]["opsgenie"]),
            ("Where does the account live? (us or eu)", ""),
            ("The first rotation's name", ""),
            options=())
        assert code == 0 and "connection opsgenie added" in shown, shown
        place.close()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        shutil.rmtree(folder)


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
        where_another_program_listens(ready)
        against_the_sandbox_s_own_configuration()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
    print("ok")


main()
