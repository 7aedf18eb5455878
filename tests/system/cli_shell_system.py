#!/usr/bin/env python3
"""The real `watchbill` against the sandbox's servers: the store behind it, a terminal, completion, and a daemon that runs.

usage: cli_shell_system.py BIN_DIR [unittest arguments]
"""
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

from cli_world import BIN, Case, main


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
        self.ok("schedule", "list")
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
                # Known since they were listed: no rotation uses it, and completion asks nobody.
                self.assertEqual(self.completed(shell, "watchbill", "rotation", "create", "x", "--schedule", "pd/PK"), ["pd/PKIM"])

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

    def test_status_exits_1_when_anything_is_not_right(self):
        check = lambda: self.run_any("status", "--check").returncode
        self.payments()
        self.wait(lambda: check() == 0)
        self.sandbox.do("channel", name="payments", archived=True)
        self.sandbox.do("override", system="pagerduty", schedule="PSCHED1", person="bo", start=-1, seconds=3600)
        self.wait(lambda: check() == 1)
        self.assertIn("the announcement for channel #payments was refused", self.ok("status"))
        self.ok("rotation", "edit", "payments", "--no-channel")
        self.wait(lambda: check() == 0)
        self.daemon.terminate()
        self.daemon.wait(timeout=20)
        self.assertEqual(check(), 1)

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
    main()
