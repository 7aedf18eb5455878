"""The real daemon on a disk whose every sync takes half a second: its loop waits for none, and nothing is done before its
record. Usage: slow_disk_system.py BIN_DIR"""

import json
import os
import sqlite3
import sys
import threading
import time
import unittest
import urllib.request

from app_world import AppWorld
from world import counting

BIN = os.path.abspath(sys.argv[1])
SYNC_MS = 500
ROTATION = """version: 1
rotations:
  - {name: Payments, group: {handle: payments-oncall}, schedules: [pagerduty/PSCHED1], channels: ["#payments"]}
"""


class Watcher(threading.Thread):
    """Asks for /healthz again and again, and keeps what did not answer."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address + "/healthz"
        self.over = False
        self.asked = 0
        self.longest = 0.0
        self.failures = []

    def run(self):
        while not self.over:
            begun = time.monotonic()
            try:
                urllib.request.urlopen(self.address, timeout=10).read()
            except OSError as error:
                self.failures.append(str(error))
            self.longest = max(self.longest, time.monotonic() - begun)
            self.asked += 1
            time.sleep(0.01)


class SlowDisk(unittest.TestCase):
    def setUp(self):
        self.w = AppWorld(BIN, "socket", slack_extra="  history_probe: true\n")
        self.addCleanup(self.w.close)
        self.w.connect_in_use()
        path = os.path.join(self.w.folder, "rotations.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ROTATION)
        self.w.cli("apply", "-f", path, "--yes", "--adopt")
        self.environment, self.counts = counting(self.w.folder)
        self.environment["SYNC_MS"] = str(SYNC_MS)
        self.w.start(environment=self.environment)
        self.w.until("in sync", lambda: [r["state"] for r in self.w.json("status")["rotations"]] == ["in_sync"])

    def messages(self):
        return self.w.control("messages", channel="payments")["messages"]

    def hand_over_to(self, person):
        self.w.control("override", system="pagerduty", schedule="PSCHED1", person=person, seconds=3600)

    def syncs(self):
        with open(self.counts, encoding="utf-8") as file:
            return json.load(file)

    def announcements(self):
        """{state: how many} of the outbox, as it is on disk."""
        with sqlite3.connect(f"file:{self.w.store}?mode=ro", uri=True) as store:
            return dict(store.execute("SELECT state, count(*) FROM outbox GROUP BY state"))

    def test_the_loop_waits_for_no_disk(self):
        watcher = Watcher(self.w.address)
        watcher.start()
        self.w.open_home("ada")
        told = len(self.messages())
        for number, person in enumerate(("bo", "ada", "bo", "ada")):
            self.hand_over_to(person)
            for _ in range(5):
                self.w.command("ada", "me", channel="payments")
            self.w.until("the announcement", lambda n=told + number: len(self.messages()) > n)
        self.w.cli("sync")
        watcher.over = True
        watcher.join()
        sent = self.w.control("deliveries", since=0)["deliveries"]
        self.assertGreater(len(sent), 20)
        # Slack gives an app three seconds.
        self.assertEqual([one for one in sent if one["ack_ms"] is None or one["ack_ms"] > 3000], [])
        self.assertGreater(watcher.asked, 50)
        self.assertEqual(watcher.failures, [])
        self.w.kill(15)
        counted = self.syncs()
        self.assertEqual(counted["syncs_main"], 0, counted)
        self.assertGreater(counted["syncs_others"], 15, counted)

    def test_nothing_is_sent_before_its_record(self):
        for person in ("bo", "ada"):
            told, known = len(self.messages()), sum(self.announcements().values())
            self.hand_over_to(person)
            self.w.until("the group", lambda p=person: self.group() == [p])
            self.w.kill()
            # What is in the group was decided, and with it what will be told.
            self.assertEqual(sum(self.announcements().values()), known + 1)
            self.w.start(environment=self.environment)
            self.w.until("the announcement", lambda n=told: len(self.messages()) > n)
            self.w.kill()
            unbegun = [state for state in ("waiting", "ready") if state in self.announcements()]
            self.assertEqual(unbegun, [])
            self.w.start(environment=self.environment)
            self.w.until("quiet", lambda: self.w.json("status")["outbox"]["pending"] == 0)
            self.assertEqual(len(self.messages()), told + 1)

    def group(self):
        groups = self.w.control("state", only=["groups"])["groups"]
        return next(sorted(g["people"]) for g in groups if g["handle"] == "payments-oncall")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
