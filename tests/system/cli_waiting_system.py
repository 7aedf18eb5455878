#!/usr/bin/env python3
"""The real `watchbill` where Slack asks it to wait, and where there is much to do.

usage: cli_waiting_system.py BIN_DIR [unittest arguments]
"""
import os
import pty
import re
import select
import subprocess

from cli_world import BIN, Case, main


class Waiting(Case):
    def setUp(self):
        super().setUp()
        self.connect()

    def at_terminal(self, *args):
        """The exit code, standard output, and what a terminal showed of the error stream."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([os.path.join(BIN, "watchbill"), *args], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=theirs,
                                   env={**os.environ, "WATCHBILL_CONFIG": self.path("watchbill.yaml")})
        os.close(theirs)
        shown = b""
        while True:
            try:
                if select.select([ours], [], [], 60)[0]:
                    data = os.read(ours, 4096)
            except OSError:
                break
            if not data:
                break
            shown += data
        os.close(ours)
        out = process.stdout.read().decode()
        process.stdout.close()
        return process.wait(timeout=60), out, shown.decode(errors="replace")

    def test_a_refusal_for_the_rate_is_waited_for_as_long_as_slack_says(self):
        self.sandbox.do("fault", system="slack", kind="429", match="usergroups.list", retry_after=3, times=1)
        code, out, shown = self.at_terminal("rotation", "create", "search", "--group", "@search-oncall", "--schedule", "pd/PSCHED1")
        self.assertEqual((code, "created" in out), (0, True), out + shown)
        self.assertRegex(shown, r"Slack lets us go on in [123] s")
        # It is taken away again.
        self.assertTrue(shown.endswith("\r\x1b[K"), repr(shown))

    def test_a_script_is_told_once_that_it_waits(self):
        self.sandbox.do("fault", system="slack", kind="429", match="usergroups.list", retry_after=7, times=1)
        done = self.run_any("rotation", "create", "search", "--group", "@search-oncall", "--schedule", "pd/PSCHED1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"\Awatchbill: Slack lets us go on in [5-7] s\n\Z")

    def test_a_file_of_many_says_which_one_waits(self):
        text = "version: 1\nrotations:\n" + "".join(
            f'  - {{name: r{i}, group: "@new-{i}", schedules: [pd/PSCHED1]}}\n' for i in range(5))
        self.sandbox.do("fault", system="slack", kind="429", match="usergroups.create", retry_after=3, times=1)
        code, out, shown = self.at_terminal("apply", "-f", self.write("r.yaml", text), "--create-group", "--yes")
        self.assertEqual(code, 0, out + shown)
        self.assertRegex(shown, r"1 of 5, Slack lets us go on in [123] s")
        self.assertEqual(len(self.json("rotation", "list")), 5)

    def test_the_daemon_is_waited_for_where_slack_asks_it_to_wait(self):
        daemon = subprocess.Popen([os.path.join(BIN, "watchbilld"), "--config", self.path("watchbill.yaml")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not self.json("status")["daemon"]["running"]:
                self.assertIsNone(daemon.poll())
            self.sandbox.do("fault", system="slack", kind="429", match="usergroups.create", retry_after=2, times=2)
            self.ok("rotation", "create", "new", "--group", "@new-oncall", "--create-group", "--schedule", "pd/PSCHED1")
            self.assertIsNotNone(self.sandbox.group("new-oncall"))
        finally:
            daemon.terminate()
            daemon.wait(timeout=30)

    def test_a_loop_over_many_groups_ends_with_all_of_them(self):
        # As strict as Slack is, in a sixth of its minute.
        self.sandbox.do("rate", scale=12)
        for i in range(24):
            self.ok("rotation", "create", f"r{i}", "--group", f"@loop-{i}", "--create-group", "--schedule", "pd/PSCHED1")
        self.assertEqual(len(self.json("rotation", "list")), 24)

    def test_doctor_tells_each_check_when_it_is_known_and_reads_channels_from_the_list(self):
        self.payments("--alert-channel", "#general")
        self.sandbox.do("fault", system="pagerduty", kind="hang", seconds=3)
        process = subprocess.Popen([os.path.join(BIN, "watchbill"), "doctor"], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True,
                                   env={**os.environ, "WATCHBILL_CONFIG": self.path("watchbill.yaml")})
        line = ""
        while "channel C0PAYMENTS" not in line:
            line = process.stdout.readline()
            self.assertTrue(line)
        # PagerDuty is asked after that, and hangs.
        self.assertIsNone(process.poll())
        process.communicate(timeout=60)
        self.sandbox.do("clear_faults", system="all")
        before = self.sandbox.do("log", since=0)["last"]
        shown = self.run_any("doctor").stdout
        self.assertIn("channel C0GENERAL", shown)
        asked = [e["path"] for e in self.sandbox.do("log", since=before, system="slack")["entries"]]
        self.assertEqual(len([p for p in asked if "conversations.list" in p]), 1, asked)
        self.assertEqual([p for p in asked if "conversations.info" in p], [])
        fast = self.run_any("doctor", "--fast").stdout
        self.assertIn("connection pd", fast)
        self.assertNotIn("channel C0", fast)
        self.assertFalse(re.search("people behind tokens", fast))


main()
