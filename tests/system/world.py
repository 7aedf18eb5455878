"""Real processes for demo, tests and benchmarks: a sandbox, a store, a daemon. Python's standard library only."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request


class World:
    """A sandbox and a configuration that points at it; the daemon is started and killed at will."""

    def __init__(self, bin_dir, poll="2s", rate_scale=60, scenario=None, extra="", slack_extra="",
                 listen="null"):
        self.bin = os.path.abspath(bin_dir)
        self.folder = tempfile.mkdtemp(prefix="watchbill-")
        command = [f"{self.bin}/watchbill", "sandbox", "--servers-only"]
        if scenario:
            command += ["--scenario", scenario]
        self.sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.sandbox.stdout.readline())
        if not scenario:
            self.control("speed", shift_seconds=20)
        keys, tokens = self.ready["keys"], self.ready["tokens"]
        self.files = {}
        for name, text in {"bot": tokens["bot"], "user": tokens["user"], "pagerduty": keys["pagerduty"],
                           "opsgenie": keys["opsgenie"], "jsm-token": keys["jsm_token"], "xmatters-key": keys["xmatters_key"],
                           "xmatters-secret": keys["xmatters_secret"]}.items():
            self.files[name] = os.path.join(self.folder, name)
            with os.fdopen(os.open(self.files[name], os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(text)
        self.store = os.path.join(self.folder, "data", "watchbill.db")
        self.config = os.path.join(self.folder, "watchbill.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"store: {self.store}\nkey_file: {self.folder}/data/key\nlisten: {listen}\n"
                       f"poll_interval: {poll}\n{extra}slack:\n  api_url: {self.ready['slack_api']}\n  bot_token_file: {self.files['bot']}\n"
                       f"  rate_scale: {rate_scale}\n{slack_extra}")
        self.daemon = None
        self.log = open(os.path.join(self.folder, "daemon.log"), "a", encoding="utf-8")

    def control(self, action, **fields):
        request = urllib.request.Request(self.ready["control"] + "/_control",
                                         json.dumps({"do": action, **fields}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            result = json.load(answer)
        if not result.get("ok"):
            raise RuntimeError(f"{action}: {result}")
        return result

    def cli(self, *arguments, check=True):
        done = subprocess.run([f"{self.bin}/watchbill", "--config", self.config, *arguments], text=True,
                              capture_output=True, timeout=90)
        if check and done.returncode != 0:
            raise RuntimeError(f"watchbill {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--format", "json"))

    def connect(self):
        r = self.ready
        self.cli("connection", "add", "pagerduty", "pagerduty", "--api-key-file", self.files["pagerduty"],
                 "--base-url", r["pagerduty"])
        self.cli("connection", "add", "opsgenie", "opsgenie", "--api-key-file", self.files["opsgenie"],
                 "--base-url", r["opsgenie"])
        self.cli("connection", "add", "xmatters", "xmatters", "--host", "acme.xmatters.com", "--api-key-file",
                 self.files["xmatters-key"], "--api-secret-file", self.files["xmatters-secret"], "--base-url",
                 r["xmatters"])

    def connect_jsm(self, name="jsm"):
        keys = self.ready["keys"]
        self.cli("connection", "add", "jsm", name, "--site", keys["jsm_site"], "--email", keys["jsm_email"],
                 "--api-token-file", self.files["jsm-token"], "--base-url", self.ready["jsm"])

    def start(self, *arguments, environment=None):
        self.daemon = subprocess.Popen([f"{self.bin}/watchbilld", "--config", self.config, *arguments],
                                       stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})
        return self.daemon

    def kill(self, number=signal.SIGKILL):
        if self.daemon:
            self.daemon.send_signal(number)
            self.daemon.wait()
            self.daemon = None

    def state(self):
        return self.control("state")

    def until(self, what, condition, seconds=30):
        """Waits for `condition()` and returns its value; the time limit only ends a test that has failed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as file:
            tail = "".join(file.readlines()[-20:])
        raise AssertionError(f"{what}: not within {seconds} s\n{tail}\n{self.cli('status', check=False)}")

    def close(self):
        self.kill()
        self.sandbox.kill()
        self.sandbox.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def counting(folder):
    """What to start the daemon with so that it counts its commits and syncs, and the file that has them."""
    library = os.path.join(folder, "count_syncs.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "count_syncs.cpp")
    subprocess.run(["c++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    counts = os.path.join(folder, "counts.json")
    return {"LD_PRELOAD": library, "COUNT_SYNCS": counts}, counts
