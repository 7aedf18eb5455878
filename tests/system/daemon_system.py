#!/usr/bin/env python3
"""The real `watchbilld` against the sandbox's servers: its life cycle, its neighbours on the same store, what it
shows to the outside, and what it keeps to itself.

usage: daemon_system.py BIN_DIR [unittest arguments]
"""
import glob
import http.server
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

from world import World

BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
GROUP = "payments-oncall"


class Outside:
    """Where alerts and heartbeats go: remembers them."""

    def __init__(self):
        self.alerts, self.beats = [], 0
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outside.alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def do_GET(self):
                outside.beats += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, state, part):
        return [p for a in self.alerts for p in a["problems"] if p["state"] == state and part in p["text"]]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Case(unittest.TestCase):
    # A minute between polls: what happens sooner does not happen by polling.
    settings = {"poll": "60s"}

    def setUp(self):
        self.world = World(BIN, **self.settings)
        self.addCleanup(self.world.close)
        self.world.control("reset", empty=True)
        self.world.control("rate", off=True)
        for key in ("ada", "bo", "cy"):
            self.world.control("person", key=key, name=key.capitalize(), email=f"{key}@example.com")
        self.world.control("channel", name="payments", bot=True)
        self.world.control("group", handle=GROUP, people=["cy"])
        self.world.control("schedule", system="pagerduty", id="P1", name="Payments", kind="layer",
                           escalation_policies=1, people=["ada", "bo"], shift_seconds=86400, start=-60)
        self.world.connect()
        self.world.cli("rotation", "create", "payments", "--group", "@" + GROUP, "--adopt", "--yes", "--schedule",
                       "pagerduty/P1", "--channel", "#payments")

    def group(self):
        groups = self.world.control("state", only=["groups"])["groups"]
        return next(sorted(g["people"]) for g in groups if g["handle"] == GROUP)

    def messages(self):
        return self.world.control("messages", channel="payments")["messages"]

    def log(self):
        self.world.log.flush()
        with open(self.world.log.name, encoding="utf-8") as file:
            return file.read()

    def logged(self, text, times=1):
        self.world.until(f"the log says {text!r}", lambda: self.log().count(text) >= times)

    def start(self, *arguments, **options):
        self.world.start(*arguments, **options)
        self.world.until("the first pass", lambda: self.group() == ["ada"] and self.messages())

    def wait(self, seconds=30):
        """The exit code of the daemon that is to end by itself."""
        code = self.world.daemon.wait(timeout=seconds)
        self.world.daemon = None
        return code

    def get(self, url):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def rewrite(self, old, new):
        with open(self.world.config, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(self.world.config, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))


class Neighbours(Case):
    def test_a_second_daemon_refuses_to_start_and_names_the_first(self):
        self.start()
        second = subprocess.run([f"{BIN}/watchbilld", "--config", self.world.config], capture_output=True, text=True,
                                timeout=30)
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(self.world.daemon.pid), second.stderr)
        self.assertIn("watchbilld", second.stderr)
        self.assertIsNone(self.world.daemon.poll())
        once = subprocess.run([f"{BIN}/watchbilld", "--config", self.world.config, "--once"], capture_output=True,
                              text=True, timeout=30)
        self.assertEqual(once.returncode, 1)
        self.assertIn(str(self.world.daemon.pid), once.stderr)
        # When the first has gone the lock is free, however it went.
        self.world.kill()
        self.start()

    def test_edits_of_the_command_line_are_seen_at_once(self):
        self.start()
        self.world.cli("rotation", "edit", "payments", "--member", "cy@example.com")
        self.world.until("the permanent member", lambda: self.group() == ["ada", "cy"], 10)
        newest = self.world.json("history")[0]
        self.assertEqual((newest["cause"], newest["result"]), ("edit", "ok"))
        self.assertTrue(newest["by"].startswith("cli:"), newest)
        self.world.cli("rotation", "pause", "payments")
        self.world.until("paused", lambda: self.world.json("status")["rotations"][0]["state"] == "paused", 10)
        self.world.control("group", handle=GROUP, people=["bo"])
        self.world.cli("sync")
        self.assertEqual(self.group(), ["bo"])
        self.world.cli("rotation", "resume", "payments", "--adopt", "--yes")
        self.world.until("repaired", lambda: self.group() == ["ada", "cy"], 15)
        self.world.cli("rotation", "delete", "payments", "--yes")
        self.world.until("deleted", lambda: self.world.json("status")["rotations"] == [], 10)

    def test_many_edits_at_once_all_arrive(self):
        self.start()
        edits = [subprocess.Popen([f"{BIN}/watchbill", "--config", self.world.config, "people", "map",
                                   f"someone{i}@example.com", "U0CY" if i % 2 else "U0BO"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) for i in range(8)]
        for edit in edits:
            self.assertEqual(edit.wait(timeout=60), 0, edit.stderr.read())
            edit.stderr.close()
        self.world.control("end_shift", system="pagerduty", schedule="P1")
        self.world.cli("sync")
        self.assertEqual(self.group(), ["bo"])


class LifeCycle(Case):
    def hang(self, method, **more):
        """The next call of `method` takes effect, and its answer comes late (or never)."""
        self.world.control("fault", system="slack", match=method, times=1, **more)

    def begin_write(self):
        """An edit whose group write is under way."""
        mark = self.world.control("log", since=0, match="nothing")["last"]
        self.world.cli("rotation", "edit", "payments", "--member", "cy@example.com")
        return mark

    def under_way(self):
        self.world.until("the write is under way", lambda: not self.world.control("faults")["faults"])

    def test_sigterm_finishes_what_is_in_flight(self):
        self.start()
        self.hang("usergroups.users.update", kind="slow", slow_ms=2000)
        self.begin_write()
        self.under_way()
        self.world.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(), 0)
        self.assertEqual(self.group(), ["ada", "cy"])
        # It was finished: recorded, and nothing is left to do.
        self.assertEqual(self.world.json("history")[0]["result"], "ok")
        self.assertIn("stopping", self.log())

    def test_what_does_not_end_in_time_is_handed_back(self):
        self.start()
        self.hang("usergroups.users.update", kind="hang")
        self.begin_write()
        self.under_way()
        began = time.monotonic()
        self.world.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(60), 0)
        self.assertGreater(time.monotonic() - began, 5)
        self.assertIsNone(self.world.json("history")[0]["result"])
        self.world.start()
        self.world.until("taken up again", lambda: self.group() == ["ada", "cy"])
        self.world.until("recorded", lambda: self.world.json("history")[0]["result"] == "ok")

    def test_a_second_signal_ends_it_at_once(self):
        self.start()
        self.hang("usergroups.users.update", kind="hang")
        self.begin_write()
        self.under_way()
        self.world.daemon.send_signal(signal.SIGTERM)
        self.logged("stopping")
        self.world.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(), 1)
        self.assertIn("second signal", self.log())

    def test_a_good_configuration_is_reloaded_and_a_bad_one_changes_nothing(self):
        self.start()
        self.rewrite("poll_interval: 60s", "poll_interval: 60s\nnonsense: 1")
        self.world.daemon.send_signal(signal.SIGHUP)
        self.logged("the configuration was not reloaded")
        self.assertRegex(self.log(), r"watchbill.yaml:\d+:\d+.*nonsense")
        self.rewrite("nonsense: 1", "log: {format: json}")
        self.world.control("end_shift", system="pagerduty", schedule="P1")
        self.world.cli("sync")
        self.assertEqual(self.group(), ["bo"])

        self.rewrite("poll_interval: 60s", "poll_interval: 1s")
        self.world.daemon.send_signal(signal.SIGHUP)
        self.logged("configuration reloaded")
        self.assertEqual(json.loads(self.log().splitlines()[-1])["level"], "info")
        self.world.control("end_shift", system="pagerduty", schedule="P1")
        self.world.until("the new interval", lambda: self.group() == ["ada"], 20)
        self.world.until("announced", lambda: len(self.messages()) == 3, 20)

        # One whose files are missing changes nothing either.
        self.rewrite(self.world.files["bot"], self.world.folder + "/no-such-token")
        self.world.daemon.send_signal(signal.SIGHUP)
        self.logged("no-such-token")
        self.world.control("end_shift", system="pagerduty", schedule="P1")
        self.world.until("still polling", lambda: self.group() == ["bo"], 20)

    def test_a_hangup_during_the_start_reads_the_configuration_again(self):
        self.world.start()

        def held_or_heard():
            with open(f"/proc/{self.world.daemon.pid}/status", encoding="utf-8") as status:
                masks = dict(line.split(":\t") for line in status if line.startswith(("SigBlk", "SigCgt")))
            return any(int(mask, 16) & 1 for mask in masks.values())
        while not held_or_heard():
            time.sleep(0.0005)
        self.world.daemon.send_signal(signal.SIGHUP)
        self.logged("configuration reloaded")
        self.world.until("the first pass", lambda: self.group() == ["ada"])
        self.assertEqual(self.log().count("configuration reloaded"), 1)

    def test_a_reload_in_the_middle_of_a_write_loses_nothing(self):
        self.start()
        self.hang("usergroups.users.update", kind="slow", slow_ms=1500)
        self.begin_write()
        self.under_way()
        self.world.daemon.send_signal(signal.SIGHUP)
        self.logged("configuration reloaded")
        self.world.until("written", lambda: self.world.json("history")[0]["result"] == "ok")
        self.assertEqual(self.group(), ["ada", "cy"])

    def test_an_end_in_the_middle_of_a_reload_is_an_end(self):
        self.start()
        self.hang("usergroups.users.update", kind="slow", slow_ms=1500)
        self.begin_write()
        self.under_way()
        self.world.daemon.send_signal(signal.SIGHUP)
        self.world.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(), 0)
        self.assertEqual(self.world.json("history")[0]["result"], "ok")

    def test_once_ends_when_everything_is_done(self):
        self.world.start("--once")
        self.assertEqual(self.wait(90), 0)
        self.assertEqual(self.group(), ["ada"])
        self.assertEqual(len(self.messages()), 1)
        self.assertEqual(self.world.json("status")["outbox"]["pending"], 0)
        for event in ("rotation_begun rotation=payments", "group_written rotation=payments", "announcement_sent rotation=payments"):
            self.assertEqual(self.log().count(event), 1, event)
        # Again: nothing to do.
        self.world.start("--once")
        self.assertEqual(self.wait(90), 0)
        self.assertEqual(len(self.messages()), 1)

    def test_once_says_that_it_could_not(self):
        self.world.control("fault", system="slack", match="usergroups.users.update", kind="error",
                           code="permission_denied")
        self.world.start("--once")
        self.assertEqual(self.wait(120), 1)
        self.assertEqual(self.group(), ["cy"])
        self.assertIn("watchbill status", self.log())
        self.assertRegex(self.log(), r'rotation "payments" is error: .*permission_denied')
        status = self.world.json("status")
        self.assertEqual(status["rotations"][0]["state"], "error")
        self.assertIn("permission_denied", status["rotations"][0]["problems"][0])

    def test_check_config(self):
        check = [f"{BIN}/watchbilld", "--config", self.world.config, "--check-config"]
        good = subprocess.run(check, capture_output=True, text=True, timeout=30)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.rewrite("poll_interval: 60s", "poll_interval: 10ms\npolling: fast")
        bad = subprocess.run(check, capture_output=True, text=True, timeout=30)
        self.assertEqual(bad.returncode, 1)
        for part in ("poll_interval", "polling"):
            self.assertRegex(bad.stderr, r"watchbill.yaml:\d+:\d+.*" + part)

    def test_systemd_hears_of_every_state(self):
        path = os.path.join(self.world.folder, "notify")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.settimeout(30)
        heard = []

        def hear(part, times=1):
            while sum(part in state for state in heard) < times:
                heard.append(listener.recv(4096).decode())

        os.environ.update({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
        try:
            self.start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        hear("READY=1")
        hear("STATUS=")
        hear("WATCHDOG=1", 3)
        self.world.daemon.send_signal(signal.SIGHUP)
        hear("RELOADING=1")
        hear("READY=1", 2)
        self.world.daemon.send_signal(signal.SIGTERM)
        hear("STOPPING=1")
        self.assertEqual(self.wait(), 0)


class Outlook(Case):
    """What the daemon shows and tells."""

    settings = {"poll": "1s", "listen": "127.0.0.1:0"}

    def setUp(self):
        super().setUp()
        self.outside = Outside()
        self.addCleanup(self.outside.close)
        for name, path in (("alert_webhook_url_file", "/hook/T0SECRETHOOK"), ("heartbeat_url_file", "/beat/T0SECRETBEAT")):
            file_name = os.path.join(self.world.folder, name)
            with os.fdopen(os.open(file_name, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(self.outside.url + path)
            self.rewrite("poll_interval: 1s", f"poll_interval: 1s\n{name}: {file_name}")
        self.rewrite("slack:", "log: {level: debug}\nslack:")

    def url(self):
        return re.findall(r"listening on (\S+)", self.log())[-1]

    def test_health_readiness_and_metrics(self):
        self.start()
        self.logged("listening on")
        url = self.url()
        self.assertEqual(self.get(url + "/healthz"), (200, "ok\n"))
        self.world.until("ready", lambda: self.get(url + "/readyz")[0] == 200)
        status, text = self.get(url + "/metrics")
        self.assertEqual(status, 200)
        for name in ('rotation_in_sync{rotation="payments"} 1', 'rotation_out_of_sync_seconds{rotation="payments"} 0',
                     "last_pass_timestamp_seconds", 'connection_last_success_age_seconds{connection="pagerduty"',
                     "handoff_lag_seconds_bucket", 'slack_requests_total{method="usergroups.list",result="ok"}',
                     'connection_requests_total{connection="pagerduty",kind="pagerduty",result="ok"}',
                     "slack_budget_waits_total", "outbox_depth 0", "outbox_oldest_seconds 0", "unmatched_people 0",
                     "queued_writes 0", "queue_done_in_seconds 0", "store_usable 1", "slack_usable 1"):
            self.assertIn("watchbill_" + name, text)
        # Every line is what Prometheus reads.
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? [-+0-9.eE]+(Inf|NaN)?)$')
        self.assertEqual(self.get(url + "/")[0], 404)

        self.world.control("fault", system="slack", kind="503")
        self.world.until("not ready", lambda: self.get(url + "/readyz")[0] == 503)
        self.assertIn("Slack", self.get(url + "/readyz")[1])
        self.assertEqual(self.get(url + "/healthz"), (200, "ok\n"))
        self.assertIn("watchbill_slack_usable 0", self.get(url + "/metrics")[1])
        self.world.control("clear_faults")
        self.world.until("ready again", lambda: self.get(url + "/readyz")[0] == 200)

    def test_alerts_begin_and_end_and_the_heart_beats(self):
        self.start()
        self.world.until("a heartbeat", lambda: self.outside.beats >= 2)
        self.world.control("fault", system="pagerduty", kind="401")
        self.world.until("the alert", lambda: self.outside.told("open", "watchbill connection update pagerduty"))
        silent = self.outside.beats
        self.world.kill(signal.SIGTERM)
        self.world.start()
        self.world.until("polled again", lambda: self.log().count("Slack workspace") >= 2)
        self.world.control("clear_faults")
        self.world.until("the end", lambda: self.outside.told("resolved", "connection pagerduty"))
        self.assertEqual(len(self.outside.told("open", "watchbill connection update pagerduty")), 1)
        self.assertEqual(len(self.outside.told("resolved", "connection pagerduty")), 1)
        # A pass may have been complete a moment before the fault.
        self.assertLessEqual(silent, self.outside.beats)
        self.world.until("the heart beats again", lambda: self.outside.beats >= silent + 2)

    def test_a_disk_without_room_stops_posts_and_not_handoffs(self):
        # What the process may write is limited, as a full disk limits it.
        self.world.daemon = subprocess.Popen([f"{BIN}/watchbilld", "--config", self.world.config], stdout=self.world.log,
                                             stderr=self.world.log, restore_signals=False)  # SIGXFSZ stays ignored
        self.world.until("the first pass", lambda: self.group() == ["ada"] and self.messages())
        self.logged("listening on")
        url = self.url()
        pid = self.world.daemon.pid
        # Its log is at least as long as the limit, too: that must not matter.
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        self.world.control("end_shift", system="pagerduty", schedule="P1")
        self.world.until("the handoff", lambda: self.group() == ["bo"])
        self.world.until("the alert", lambda: self.outside.told("open", "the store cannot be written"))
        self.assertEqual(self.get(url + "/readyz")[0], 503)
        self.assertEqual(self.get(url + "/healthz")[0], 200)
        self.assertEqual(len(self.messages()), 1)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.world.until("the announcement", lambda: len(self.messages()) == 2)
        self.world.until("the end", lambda: self.outside.told("resolved", "the store can be written again, after"))
        newest = self.world.json("history")[0]
        self.assertEqual((newest["cause"], newest["before"], newest["after"], newest["result"]),
                         ("handoff", ["U0ADA"], ["U0BO"], "ok"))
        self.assertEqual(self.get(url + "/readyz")[0], 200)

    def test_no_secret_is_anywhere_but_sealed(self):
        secrets = [*self.world.ready["keys"].values(), *self.world.ready["tokens"].values(), "T0SECRETHOOK",
                   "T0SECRETBEAT"]
        secrets = [s for s in secrets if s and len(s) >= 8]
        self.assertGreater(len(secrets), 6)
        self.start()
        self.logged("listening on")
        url = self.url()
        seen = [self.get(url + path)[1] for path in ("/metrics", "/readyz", "/healthz")]
        # Everything that can go wrong with keys and addresses goes wrong.
        for system in ("pagerduty", "opsgenie", "xmatters"):
            for kind in ("401", "html"):
                self.world.control("fault", system=system, kind=kind, times=2)
        self.world.control("token", token=self.world.ready["tokens"]["bot"], error="token_revoked")
        self.world.until("not ready", lambda: self.get(url + "/readyz")[0] == 503)
        seen.append(self.get(url + "/readyz")[1])
        seen.append(self.world.cli("status", check=False))
        seen.append(self.world.cli("doctor", check=False))
        with open(f"/proc/{self.world.daemon.pid}/cmdline", encoding="utf-8") as file:
            seen.append(file.read())
        if os.geteuid() == 0:  # Others may not look (PR_SET_DUMPABLE).
            with open(f"/proc/{self.world.daemon.pid}/environ", encoding="utf-8") as file:
                seen.append(file.read())
        self.world.control("token", token=self.world.ready["tokens"]["bot"], error=None)
        self.outside.server.shutdown()
        self.outside.server.server_close()
        self.world.until("ready", lambda: self.get(url + "/readyz")[0] == 200)
        self.world.control("fault", system="slack", kind="503", times=6)
        self.world.until("not ready", lambda: self.get(url + "/readyz")[0] == 503)
        seen += [self.world.cli(*command, check=False) for command in (
            ("status", "--format", "json"), ("history", "--format", "json"), ("connection", "list", "--format", "json"),
            ("export",), ("people", "list"))]
        self.world.kill(signal.SIGTERM)
        seen.append(self.log())
        self.assertGreater(len(self.log()), 500)
        for text in seen:
            for secret in secrets:
                self.assertNotIn(secret, text)
        files = [f for f in glob.glob(os.path.join(os.path.dirname(self.world.store), "*")) if os.path.isfile(f)]
        self.assertGreaterEqual(len(files), 3)
        for name in files:
            with open(name, "rb") as file:
                content = file.read()
            for secret in secrets:
                self.assertNotIn(secret.encode(), content, name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
