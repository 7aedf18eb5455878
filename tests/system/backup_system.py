"""Backup, restore and change of key with the real programs: while the daemon runs, and killed before any of the calls
that change a file.

usage: backup_system.py BIN_DIR      EVERY=1 to kill at each point and not at every 7th, SEED=N to repeat a run
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from world import World

HERE = os.path.dirname(os.path.abspath(__file__))
SHIFT = 3
EVERY = int(os.environ.get("EVERY") or "7")


def kill_shim(world):
    """The library that ends a program at its Nth change of a file."""
    shim = os.path.join(world.folder, "kill_at.so")
    subprocess.run(["c++", "-shared", "-fPIC", "-O1", "-o", shim, os.path.join(HERE, "kill_at.cpp"), "-ldl"], check=True)
    return shim


class Store:
    """A store's folder that can be set back to how it was."""

    def __init__(self, world, name):
        self.world = world
        self.folder = os.path.join(world.folder, name)
        self.database = os.path.join(self.folder, "watchbill.db")
        self.saved = self.folder + ".saved"
        self.config = self.folder + ".yaml"
        with open(world.config, encoding="utf-8") as file:
            text = file.read().replace(os.path.join(world.folder, "data"), self.folder)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def save(self):
        shutil.rmtree(self.saved, ignore_errors=True)
        shutil.copytree(self.folder, self.saved)

    def reset(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.saved, self.folder)

    def command(self, *arguments):
        return [f"{self.world.bin}/watchbill", "--config", self.config, *arguments]

    def run(self, *arguments, environment=None):
        return subprocess.run(self.command(*arguments), text=True, capture_output=True, timeout=60,
                              env={**os.environ, **(environment or {})})

    def ok(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--format", "json"))

    def rotations(self):
        return [r["name"] for r in self.json("rotation", "list")]

    def key_id(self):
        """The key that the secrets are sealed with; one for all of them, or the test fails."""
        database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        keys = {row[0] for row in database.execute("SELECT key_id FROM connection_secrets")}
        database.close()
        assert len(keys) == 1, keys
        return keys.pop()


def killed_everywhere(store, shim, what, command, check):
    """Runs `command` again and again, killed a little later each time, until it gets through; `check(n)` after each."""
    n, killed = random.randrange(EVERY) + 1 - EVERY, 0
    while True:
        n += EVERY
        store.reset()
        done = store.run(*command, environment={"LD_PRELOAD": shim, "KILL_AT": str(n)})
        check(n)
        if done.returncode == -signal.SIGKILL:
            killed += 1
            continue
        assert done.returncode == 0, f"{what}, step {n}: {done.stdout}{done.stderr}"
        break
    assert killed * EVERY > 50, f"{what}: only {killed} points at which it could be killed"
    print(f"{what}: killed at {killed} points", flush=True)


def test_while_the_daemon_runs(world):
    world.start()
    world.until("the first sync", lambda: world.json("status")["rotations"][0]["state"] == "in_sync")
    backups = []
    for i in range(10):
        file = os.path.join(world.folder, f"live-{i}.db")
        facts = world.json("backup", file)
        assert facts["rotations"] == 2 and facts["key_id"], facts
        backups.append(file)
        time.sleep(0.4)
    for file in backups:
        assert os.stat(file).st_mode & 0o777 == 0o600
        database = sqlite3.connect(file)
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        # One moment: every announcement belongs to a change that is there.
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.close()
    refused = subprocess.run([f"{world.bin}/watchbill", "--config", world.config, "--yes", "restore", backups[0]],
                             capture_output=True, text=True, check=False)
    assert refused.returncode == 4 and "watchbilld" in refused.stderr, refused
    refused = subprocess.run([f"{world.bin}/watchbill", "--config", world.config, "--yes", "key", "rotate"],
                             capture_output=True, text=True, check=False)
    assert refused.returncode == 4 and "watchbilld" in refused.stderr, refused
    world.kill(signal.SIGTERM)
    print("backup while the daemon runs: ok")
    return backups


def test_kill_backup(store, shim):
    file = os.path.join(store.folder, "out.db")

    def check(n):
        assert store.rotations() == ["one", "two"], n
        if os.path.exists(file):
            database = sqlite3.connect(file)
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], n
            assert database.execute("SELECT count(*) FROM meta WHERE key = 'backed_up_at'").fetchone() == (1,), n
            database.close()
        again = store.json("backup", "--force", file)
        assert again["rotations"] == 2, n
        left = [name for name in os.listdir(store.folder) if "partial" in name]
        assert not left, (n, left)

    killed_everywhere(store, shim, "backup", ["backup", file], check)


def test_kill_restore(store, shim, backup):
    def check(n):
        found = store.rotations()
        assert found in (["one", "two"], ["one", "three", "two"]), (n, found)
        store.ok("--yes", "restore", backup)
        assert store.rotations() == ["one", "two"], n
        left = [name for name in os.listdir(store.folder) if "restoring" in name or "partial" in name]
        assert not left, (n, left)

    killed_everywhere(store, shim, "restore", ["--yes", "restore", backup], check)


def test_kill_restore_on_a_new_host(store, shim, backup):
    """Nothing there but the key."""
    def check(n):
        store.ok("--yes", "restore", backup)
        assert store.rotations() == ["one", "two"], n

    killed_everywhere(store, shim, "restore on a new host", ["--yes", "restore", backup], check)


def test_kill_key_rotate(store, shim):
    before = store.key_id()

    def check(n):
        # Opening the store unseals every secret.
        assert len(store.json("connection", "list")) == 3, n
        store.ok("--yes", "key", "rotate")
        assert store.key_id() != before, n
        assert len(store.json("connection", "list")) == 3, n
        left = [name for name in os.listdir(store.folder) if name.startswith("key") and name != "key"]
        assert not left, (n, left)

    killed_everywhere(store, shim, "key rotate", ["--yes", "key", "rotate"], check)


def main():
    seed = int(os.environ.get("SEED", time.time()))
    random.seed(seed)
    print(f"seed {seed}")
    world = World(sys.argv[1], poll="1s", rate_scale=60, slack_extra="  history_probe: true\n")
    try:
        world.control("rate", scale=60)
        world.connect()
        start = world.control("on_call")["now"]
        for name in ("one", "two", "three"):
            world.control("schedule", system="pagerduty", id=f"P{name.upper()}", name=name, kind="layer",
                          escalation_policies=1, people=["ada", "bo", "cleo"], shift_seconds=SHIFT, start=start, count=5000)
        for name in ("one", "two"):
            world.cli("rotation", "create", name, "--group", f"@{name}-oncall", "--create-group", "--schedule",
                      f"pagerduty/P{name.upper()}", "--yes")
        shim = kill_shim(world)
        backup = test_while_the_daemon_runs(world)[-1]
        store = Store(world, "copy")
        os.mkdir(store.folder, 0o700)
        world.cli("backup", store.database)
        shutil.copy(os.path.join(world.folder, "data", "key"), store.folder)
        store.ok("rotation", "list")
        store.save()
        test_kill_backup(store, shim)
        test_kill_key_rotate(store, shim)
        store.reset()
        world.control("rate", scale=60)
        store.ok("rotation", "create", "three", "--group", "@three-oncall", "--create-group", "--schedule",
                 "pagerduty/PTHREE", "--yes")
        store.save()
        test_kill_restore(store, shim, backup)
        for name in os.listdir(store.folder):
            if name != "key":
                os.unlink(os.path.join(store.folder, name))
        store.save()
        test_kill_restore_on_a_new_host(store, shim, backup)
    finally:
        world.close()
    print("ok")


main()
