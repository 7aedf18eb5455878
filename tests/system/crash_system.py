"""kill -9 of the real daemon at random moments of a row of handoffs: groups right, every handoff announced exactly
once and in order, history complete.

usage: crash_system.py BIN_DIR      KILLS=200 for more than 40, SEED=N to repeat a run
"""

import os
import random
import sys
import time

from world import World

PEOPLE = ["ada", "bo", "cleo", "dev"]
SHIFT = 4


def main():
    kills = int(os.environ.get("KILLS", "40"))
    seed = int(os.environ.get("SEED", time.time()))
    random.seed(seed)
    print(f"seed {seed}")
    world = World(sys.argv[1], poll="1s", rate_scale=60, slack_extra="  history_probe: true\n")
    try:
        world.control("rate", scale=60)
        world.connect()
        start = world.control("on_call")["now"]
        names = ["one", "two", "three"]
        for name in names:
            world.control("schedule", system="pagerduty", id=f"P{name.upper()}", name=name, kind="layer",
                          escalation_policies=1, people=PEOPLE, shift_seconds=SHIFT, start=start, count=5000)
            world.control("channel", name=name, bot=True)
            world.cli("rotation", "create", name, "--group", f"@{name}-oncall", "--create-group", "--schedule",
                      f"pagerduty/P{name.upper()}", "--channel", f"#{name}", "--yes")
        # History reading and joining need their scopes.
        world.start()
        world.until("the first sync", lambda: world.json("status")["rotations"][0]["state"] == "in_sync")
        for _ in range(kills):
            time.sleep(random.random() * 1.2)
            world.kill()
            if random.random() < 0.2:
                time.sleep(random.random() * 2)
            world.start()
        check(world, names)
    finally:
        world.close()
    print("ok")


def check(world, names):
    def quiet():
        status = world.json("status")
        return status["outbox"]["pending"] == 0 and all(r["state"] == "in_sync" for r in status["rotations"])
    world.until("everything in sync and announced", quiet, 60)
    state = world.control("state", only=["groups", "channels"])
    channels = {c["name"]: c["messages"] for c in state["channels"]}
    for name in names:
        messages = channels[name]
        keys = [m["metadata"]["event_payload"]["key"] for m in messages]
        assert len(keys) == len(set(keys)), f"{name}: an announcement was doubled"
        # Each announcement begins where the one before ended: nothing lost, nothing out of order.
        people = [m["text"].split("<@")[1].split(">")[0] for m in messages]
        for before, after in zip(messages, messages[1:]):
            came = before["text"].split("<@U0")[1].split(">")[0].capitalize()
            assert came.lower() in after["text"].lower(), f"{name}: {after['text']!r} does not follow {before['text']!r}"
        assert all(a != b for a, b in zip(people, people[1:])), f"{name}: the same handoff twice: {people}"
    history = [h for h in world.json("history") if h["cause"] in ("handoff", "adoption")]
    for name in names:
        rows = [h for h in history if h["rotation"] == name][::-1]
        assert len(rows) > 5, f"{name}: only {len(rows)} changes in history"
        for before, after in zip(rows, rows[1:]):
            assert before["after"] == after["before"] or after["result"] in ("ok", "superseded"), (before, after)
        assert all(r["result"] in ("ok", "superseded") for r in rows[:-1]), rows


main()
