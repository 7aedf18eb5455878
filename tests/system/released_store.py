"""Writes a store as the programs of a release leave it, for the test that a later program still reads it
(tests/unit/store/released.cpp). Run once for each schema, with the programs of the first release that has it.

usage: released_store.py BIN_DIR FOLDER       writes FOLDER/schema_N.sql; its secrets are sealed with KEY below
"""

import os
import sqlite3
import sys
import tempfile

from world import World

KEY = bytes(range(32))
SCENARIO = """
people:
  - {key: ada, name: Ada Lindqvist, email: ada@example.com}
  - {key: bo, name: Bo Tanaka, email: bo@example.com}
  - {key: cy, name: Cy Okafor, email: cy@example.com, slack: false}
channels:
  - {name: payments, bot: true}
  - {name: gone}
groups:
  - {handle: payments-oncall, people: [bo]}
  - {handle: edge-oncall, people: [ada]}
schedules:
  - {system: pagerduty, id: PFAST, name: Payments, kind: layer, escalation_policies: 1, people: [ada, bo],
     shift_seconds: 6, start: -1}
  - {system: opsgenie, id: 5d5a3a6c-8d0c-4f4c-a8a6-000000000001, name: Edge, people: [ada, cy], shift_seconds: 6, start: -1}
"""


def fill(world):
    """Something in every table: edits, handoffs, somebody who is nobody in Slack, an announcement that cannot be sent."""
    world.connect()
    schedules = {s["name"]: s["ref"] for s in world.json("schedule", "list")}
    world.cli("rotation", "create", "payments", "--group", "@payments-oncall", "--schedule", schedules["Payments"],
              "--channel", "#payments", "--channel", "#gone", "--adopt", "--member", "ada@example.com", "--yes")
    world.cli("rotation", "create", "Edge & co", "--group", "@edge-oncall", "--schedule", schedules["Edge"], "--adopt",
              "--empty", "fallback", "--fallback", "bo@example.com", "--yes")
    world.cli("people", "map", "bo@example.com", "bo@example.com")
    world.start()
    world.until("the first handoffs", lambda: len(world.json("history")) > 6)
    world.control("channel", name="gone", archived=True)
    tables = ("outbox", "problems", "unmatched", "mappings", "changes", "audit", "watches", "connection_status")

    def all_filled():
        store = sqlite3.connect(f"file:{world.store}?mode=ro", uri=True)
        counts = [store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
        waiting = store.execute("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'superseded', 'expired')").fetchone()[0]
        store.close()
        return all(counts) and waiting

    world.until("something in every table", all_filled, 60)
    world.kill()


def dump(path):
    store = sqlite3.connect(path)
    version = store.execute("PRAGMA user_version").fetchone()[0]
    lines = [f"PRAGMA application_id = {store.execute('PRAGMA application_id').fetchone()[0]};", f"PRAGMA user_version = {version};"]
    lines += store.iterdump()
    store.close()
    return version, "\n".join(lines) + "\n"


def main():
    scenario = tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8")
    scenario.write(SCENARIO)
    scenario.flush()
    world = World(sys.argv[1], poll="1s", rate_scale=1000, scenario=scenario.name)
    try:
        world.control("rate", scale=1000)
        os.makedirs(os.path.dirname(world.store), mode=0o700)
        with os.fdopen(os.open(os.path.join(os.path.dirname(world.store), "key"), os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(KEY)
        fill(world)
        version, text = dump(world.store)
        with open(os.path.join(sys.argv[2], f"schema_{version}.sql"), "w", encoding="utf-8") as file:
            file.write(text)
        print(f"schema_{version}.sql: {len(text)} bytes")
    finally:
        world.close()


main()
