#!/usr/bin/env python3
"""What an attacker finds on the host: the service's exposure, root's rights in programs that root started, their memory, and
backups and stores that somebody has changed.

usage: hardening_system.py BIN_DIR [unittest arguments]      Some tests need root.
"""

import ctypes
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import unittest

from world import World

BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
PACKAGING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging")
MOST_EXPOSURE = 1.0
STRANGER = 54321
PTRACE_ATTACH = 16


class Unit(unittest.TestCase):
    def test_the_service_is_exposed_as_little_as_the_documents_say(self):
        for unit in ("watchbilld.service", "watchbill-backup.service"):
            path = os.path.join(PACKAGING, "systemd", unit)
            rated = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path],
                                   capture_output=True, text=True, check=True).stdout
            exposure = float(re.search(r"Overall exposure level.*: ([0-9.]+) ", rated).group(1))
            self.assertLessEqual(exposure, MOST_EXPOSURE, rated)


class Host(unittest.TestCase):
    def setUp(self):
        self.world = World(BIN)
        self.world.connect()
        os.chmod(self.world.folder, 0o755)
        self.data = os.path.dirname(self.world.store)

    def tearDown(self):
        self.world.close()

    def give_away(self):
        for folder, _, names in os.walk(self.data):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                os.chown(path, STRANGER, STRANGER)

    def at_its_question(self):
        """`watchbill`, started by root, while it waits for an answer with the store open."""
        person, terminal = pty.openpty()
        program = subprocess.Popen([f"{BIN}/watchbill", "--config", self.world.config, "connection", "remove", "opsgenie"],
                                   stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(terminal)
        asked = program.stderr.read(10)
        self.assertTrue(asked.startswith(b"Remove"), asked)
        return program, person

    def check_nothing_of_root(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["Uid"].split("\t"), [str(STRANGER)] * 4)
        self.assertEqual(status["Gid"].split("\t"), [str(STRANGER)] * 4)
        self.assertEqual(status["Groups"].strip(), "")
        for kind in ("CapPrm", "CapEff", "CapAmb", "CapBnd"):
            self.assertEqual(int(status[kind], 16), 0, kind)

    def check_memory_is_private(self, pid):
        """Neither read nor traced by another process of the same user."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setgroups([])
                os.setresgid(STRANGER, STRANGER, STRANGER)
                os.setresuid(STRANGER, STRANGER, STRANGER)
                libc = ctypes.CDLL(None, use_errno=True)
                traced = libc.ptrace(PTRACE_ATTACH, pid, None, None) == 0
                try:
                    os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
                    code = 2
                except PermissionError:
                    code = 3 if traced else 0
            finally:
                os._exit(code)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_nothing_of_root_is_left_in_either_program_and_their_memory_is_their_own(self):
        self.give_away()
        for path in self.world.files.values():
            os.chown(path, STRANGER, STRANGER)
        program, person = self.at_its_question()
        self.check_nothing_of_root(program.pid)
        self.check_memory_is_private(program.pid)
        os.write(person, b"n\n")
        program.communicate(timeout=30)
        os.close(person)
        daemon = self.world.start()
        self.world.until("the daemon's store is open", lambda: os.path.exists(self.world.store + "-wal") and
                         str(daemon.pid) in open(self.world.store + ".lock", encoding="utf-8").read())
        self.world.until("no root", lambda: f"Uid:\t{STRANGER}\t" in open(f"/proc/{daemon.pid}/status", encoding="utf-8").read())
        self.check_nothing_of_root(daemon.pid)
        self.check_memory_is_private(daemon.pid)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_pass_that_root_makes_has_the_secrets_that_only_root_may_read(self):
        """As with the package: the store is watchbill's, and the secrets in /etc/credstore are root's."""
        self.give_away()
        done = subprocess.run([f"{BIN}/watchbilld", "--config", self.world.config, "--once"], capture_output=True, text=True,
                              timeout=90, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_what_root_changes_is_remembered_as_root_s(self):
        self.give_away()
        environment = {k: v for k, v in os.environ.items() if k != "SUDO_USER"}
        subprocess.run([f"{BIN}/watchbill", "--config", self.world.config, "--yes", "connection", "remove", "opsgenie"],
                       check=True, env=environment, stdout=subprocess.DEVNULL)
        database = sqlite3.connect(self.world.store)
        actors = {row[0] for row in database.execute("SELECT actor FROM audit WHERE action = 'connection.remove'")}
        database.close()
        self.assertEqual(actors, {"cli:root"})

    @unittest.skipIf(os.geteuid() == 0, "root owns its processes anyway")
    def test_memory_that_may_not_be_dumped(self):
        daemon = self.world.start()
        self.world.until("the store is open", lambda: os.path.exists(self.world.store + "-wal"))
        # PR_SET_DUMPABLE 0: root owns what /proc shows of the process, whoever runs it (proc(5)).
        self.assertEqual(os.stat(f"/proc/{daemon.pid}/environ").st_uid, 0)

    def run_cli(self, *arguments):
        return subprocess.run([f"{BIN}/watchbill", "--config", self.world.config, *arguments], capture_output=True, text=True,
                              timeout=60, check=False)

    def edit(self, path, sql):
        database = sqlite3.connect(path)
        database.execute(sql)
        database.commit()
        database.close()

    def requests_to(self, system):
        return len(self.world.control("log", since=0, system=system)["entries"])

    def test_an_address_that_was_changed_in_the_store_is_not_sent_the_key(self):
        evil = self.world.ready["pagerduty"]
        self.edit(self.world.store, f"UPDATE connections SET settings = replace(settings, '{self.world.ready['opsgenie']}', "
                                    f"'{evil}') WHERE name = 'opsgenie'")
        before = self.requests_to("pagerduty")
        for command in (["connection", "test", "opsgenie"], ["schedule", "list"]):
            done = self.run_cli(*command)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("the address that it is for was changed", done.stderr)
        self.assertEqual(self.requests_to("pagerduty"), before)

    def test_a_backup_that_was_changed_is_refused_and_one_that_nobody_vouches_for_asked_about(self):
        file = os.path.join(self.world.folder, "b.db")
        self.world.cli("backup", file)
        with open(file, "rb") as whole:
            good = whole.read()
        self.edit(file, "UPDATE connections SET settings = replace(settings, '127.0.0.1', '127.0.0.2')")
        done = self.run_cli("--yes", "restore", "--accept-unproven", "--accept-addresses", file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("was changed after it was made", done.stderr)
        with open(file, "wb") as stripped:
            stripped.write(good[:-102])
        done = self.run_cli("--yes", "restore", file)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("--accept-unproven", done.stderr)
        self.assertEqual(self.run_cli("--yes", "restore", "--accept-unproven", file).returncode, 0)
        with open(file, "wb") as whole:
            whole.write(good)
        self.assertEqual(self.run_cli("--yes", "restore", file).returncode, 0)

    def test_an_address_that_a_restore_would_change_is_shown_and_asked_about(self):
        file = os.path.join(self.world.folder, "b.db")
        self.world.cli("backup", file)
        other = self.world.ready["opsgenie"].replace("127.0.0.1", "localhost")
        self.world.cli("connection", "update", "opsgenie", "--base-url", other, "--api-key-file", self.world.files["opsgenie"])
        done = self.run_cli("--yes", "restore", file)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(f"opsgenie: base_url is {other} in the store, and {self.world.ready['opsgenie']} in the backup", done.stderr)
        self.assertIn("--accept-addresses", done.stderr)
        self.assertEqual(self.run_cli("--yes", "restore", "--accept-addresses", file).returncode, 0)
        shown = json.loads(self.run_cli("connection", "list", "--format", "json").stdout)
        self.assertEqual({c["settings"].get("base_url") for c in shown if c["name"] == "opsgenie"}, {self.world.ready["opsgenie"]})

    def test_a_new_address_needs_the_credentials_anew(self):
        other = self.world.ready["opsgenie"].replace("127.0.0.1", "localhost")
        before = self.requests_to("opsgenie")
        done = self.run_cli("connection", "update", "opsgenie", "--base-url", other)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("give them again, with --api-key-file", done.stderr)
        self.assertEqual(self.requests_to("opsgenie"), before)


unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
