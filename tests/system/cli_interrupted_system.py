"""Commands of several steps whose end never comes: `watchbill` killed at each step, Ctrl-C, a lost shell, a killed daemon.

usage: cli_interrupted_system.py BIN_DIR [unittest arguments]
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
import unittest

from cli_world import BIN, Case, main

HERE = os.path.dirname(os.path.abspath(__file__))
DELETE = ("rotation", "delete", "payments", "--restore", "--yes")


class Interrupted(Case):
    def setUp(self):
        super().setUp()
        self.connect()
        self.payments()
        self.ok("sync")
        self.daemon = None
        self.said = open(self.path("said"), "w+")

    def tearDown(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGCONT)
            self.daemon.terminate()
            self.daemon.wait(timeout=20)
        self.said.close()
        super().tearDown()

    def start_daemon(self):
        self.daemon = subprocess.Popen([os.path.join(BIN, "watchbilld"), "--config", self.path("watchbill.yaml")],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait(lambda: self.json("status")["daemon"]["running"])

    def start(self, *args):
        environment = {**os.environ, "WATCHBILL_CONFIG": self.path("watchbill.yaml")}
        return subprocess.Popen([os.path.join(BIN, "watchbill"), *args], env=environment, cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.said)

    def wait(self, condition):
        until = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), until, "it did not come to that")
            time.sleep(0.05)

    def members(self):
        return self.sandbox.group("payments-oncall")["users"]

    def view(self):
        return next((r for r in self.json("status")["rotations"] if r["name"] == "payments"), None)

    def being_deleted(self):
        """Whether the rotation's group is held by a deletion; a pause that nobody explains is the fault."""
        view = self.view()
        if view is None:
            return False
        told = [p for p in view["problems"] if "being deleted by cli:" in p]
        if view["state"] == "paused":
            self.assertTrue(told, f"paused without a word: {view}")
            self.assertIn('`watchbill rotation resume "payments" --adopt`', told[0])
            self.assertIn("kept again from 20", told[0])
        self.assertFalse(self.json("rotation", "show", "payments")["paused"])
        return bool(told)

    def killed_at(self, step, *args):
        """Whether the command was killed at its Nth change of a file; false if it ended before."""
        shim = os.path.join(self.base, "kill_at.so")
        if not os.path.exists(shim):
            subprocess.run(["c++", "-shared", "-fPIC", "-O1", "-o", shim, os.path.join(HERE, "kill_at.cpp"), "-ldl"],
                           check=True)
        return self.run_any(*args, env={"LD_PRELOAD": shim, "KILL_AT": str(step)}).returncode == -signal.SIGKILL

    def test_a_creation_that_was_killed_is_repeated_and_its_group_taken(self):
        step = 1
        while True:
            create = ("rotation", "create", f"new {step}", "--group", f"@new{step}-oncall", "--create-group",
                      "--schedule", "pd/PSCHED1")
            if not self.killed_at(step, *create):
                break
            if f"new {step}" not in [r["name"] for r in self.json("rotation", "list")]:
                self.ok(*create)
            step += 6
        self.assertGreater(step, 12)
        groups = [r["group"]["id"] for r in self.json("rotation", "list")]
        self.assertEqual(len(groups), len(set(groups)))
        made = [g["handle"] for g in self.sandbox.do("state", only=["groups"])["groups"] if g["handle"].startswith("new")]
        self.assertEqual(len(made), len(groups) - 1)

    def test_killed_at_each_step_of_a_deletion(self):
        held, step = 0, 1
        while self.killed_at(step, *DELETE):
            if self.being_deleted():
                held += 1
                self.assertIn("resumed", self.ok("rotation", "resume", "payments"))
                self.assertFalse(self.being_deleted())
            elif self.view() is None:
                # Killed after the last step, before it could say so.
                break
            step += 5
        self.assertGreater(held, 2)
        self.assertIsNone(self.view())
        self.assertEqual(self.members(), ["U0OTTO"])

    def hold_slack(self):
        self.sandbox.do("fault", system="slack", kind="slow", match="usergroups.users.update", slow_ms=4000, times=1)

    def kill_a_deletion(self):
        """While the daemon puts the group back, as slowly as Slack takes it."""
        self.hold_slack()
        command = self.start(*DELETE)
        self.wait(self.being_deleted)
        command.kill()
        command.wait()

    def restores(self):
        return [h for h in self.json("history") if h["cause"] == "restore"]

    def text_said(self):
        self.said.seek(0)
        return self.said.read()

    def test_ctrl_c_takes_the_deletion_back_and_says_so(self):
        self.interrupt((signal.SIGINT, False), (signal.SIGINT, True))

    def test_a_lost_shell_and_an_end_take_the_deletion_back_and_say_so(self):
        self.interrupt((signal.SIGHUP, True), (signal.SIGTERM, True))

    def interrupt(self, *ways):
        self.start_daemon()
        self.wait(lambda: self.members() == ["U0ADA"])
        for sent, begins in ways:
            with self.subTest(f"{sent}, the restore {'has begun' if begins else 'may not have begun'}"):
                self.hold_slack()
                self.said.truncate(0)
                before = len(self.restores())
                command = self.start(*DELETE)
                self.wait(self.being_deleted)
                self.wait(lambda b=before: not begins or len(self.restores()) > b)
                command.send_signal(sent)
                self.assertEqual(command.wait(timeout=10), -sent)
                self.assertIn("was not deleted", self.text_said())
                self.assertIn("interrupted: it is taken back", self.text_said())
                self.assertFalse(self.being_deleted())
                # Slack does what it had been asked for; then the group is kept again.
                self.wait(lambda: all(r["result"] == "ok" for r in self.restores()))
                self.wait(lambda: self.members() == ["U0ADA"])
                self.wait(lambda: self.view()["state"] == "in_sync")
                self.sandbox.do("clear_faults", system="all")

    def test_a_command_that_was_killed_is_told_and_taken_back_or_finished(self):
        self.start_daemon()
        self.wait(lambda: self.members() == ["U0ADA"])
        self.kill_a_deletion()
        self.assertTrue(self.being_deleted())
        checks = self.run_any("doctor", "--format", "json").stdout
        self.assertIn("being deleted by cli:", checks)
        self.assertIn("being deleted by cli:", self.ok("rotation", "show", "payments"))
        self.wait(lambda: self.members() == ["U0OTTO"])
        self.ok("rotation", "resume", "payments")
        self.wait(lambda: self.members() == ["U0ADA"])
        self.kill_a_deletion()
        self.ok(*DELETE)
        self.assertIsNone(self.view())
        self.assertEqual(self.members(), ["U0OTTO"])

    def stop_daemon_between_commits(self):
        """Stopped within one it would hold the store's lock, and the command could ask for nothing."""
        while True:
            self.daemon.send_signal(signal.SIGSTOP)
            try:
                with contextlib.closing(sqlite3.connect(self.store, timeout=0)) as store:
                    store.execute("BEGIN IMMEDIATE")
                    return
            except sqlite3.OperationalError:
                self.daemon.send_signal(signal.SIGCONT)

    def test_a_daemon_that_dies_leaves_nothing_to_be_done_later(self):
        self.start_daemon()
        self.wait(lambda: self.view()["state"] == "in_sync")
        self.stop_daemon_between_commits()
        command = self.start(*DELETE)
        self.wait(self.being_deleted)
        self.daemon.kill()
        self.daemon.wait()
        self.assertEqual(command.wait(timeout=20), 1)
        self.assertIn("was not deleted", self.text_said())
        self.assertFalse(self.being_deleted())
        self.start_daemon()
        self.wait(lambda: self.view()["state"] == "in_sync")
        time.sleep(2.5)  # two looks for requests
        self.assertEqual(self.members(), ["U0ADA"])
        self.assertEqual(self.restores(), [])

    def test_a_refused_restore_leaves_the_rotation_as_it_was(self):
        self.start_daemon()
        self.sandbox.do("fault", system="slack", kind="error", code="permission_denied", match="usergroups.users.update")
        error = self.fails(5, *DELETE)
        self.assertIn("was not deleted", error)
        self.assertFalse(self.being_deleted())
        self.sandbox.do("clear_faults", system="all")
        self.wait(lambda: self.view()["state"] == "in_sync")


del Case

if __name__ == "__main__":
    main()
