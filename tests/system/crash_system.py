"""kill -9 of the real daemon at random moments of a row of handoffs, of overrides and their ends, adoptions, shared
groups, channels that cannot be posted to and slow look-ups: groups right, every handoff announced exactly once and in
order, nobody in a group who was not on call, history complete.

usage: crash_system.py BIN_DIR      KILLS=200 for more than 40, SEED=N to repeat a run
"""

import os
import random
import sys
import threading
import time

from world import World

PEOPLE = ["ada", "bo", "cleo", "dev"]
TURN = 4
FORESEEN = ["one", "two", "three"]


def mentioned(message):
    """Who comes on."""
    return message["text"].split("<@")[1].split(">")[0]


class Unforeseen:
    """A rotation that hands off when the test says so, and as nobody could know ahead."""

    def __init__(self, world, name, options=(), others=()):
        self.world, self.name, self.others = world, name, sorted(others)
        self.schedule = f"P{name.upper()}"
        self.group = f"{name}-oncall"
        world.control("schedule", system="pagerduty", id=self.schedule, name=name, kind="layer", escalation_policies=1,
                      people=PEOPLE, shift_seconds=86400)
        world.control("channel", name=name, bot=True)
        if others:
            world.control("group", handle=self.group, people=["hal"])
            options = (*options, "--adopt")
        else:
            options = (*options, "--create-group")
        world.cli("rotation", "create", name, "--group", f"@{self.group}", "--schedule", f"pagerduty/{self.schedule}",
                  "--channel", f"#{name}", "--yes", *options)
        self.truth = [self.on_call()]
        self.overrides = []

    def on_call(self):
        found = self.world.control("on_call", system="pagerduty", id=self.schedule)["schedules"][0]["slack"]
        assert len(found) == 1, found
        return found[0]

    def members(self, state):
        return next(sorted(g["users"]) for g in state["groups"] if g["handle"] == self.group)

    def wanted(self):
        return sorted([self.truth[-1], *self.others])

    def messages(self, state):
        return next(c["messages"] for c in state["channels"] if c["name"] == self.name)

    def settled(self, state):
        """The last news has gone all its way: what follows is not merged into it."""
        return self.members(state) == self.wanted() and len(self.messages(state)) >= len(self.truth)

    def news(self):
        self.world.control("end_shift", system="pagerduty", schedule=self.schedule)
        self.truth.append(self.on_call())

    def check(self, state, seen):
        told = [mentioned(m) for m in self.messages(state)]
        assert told == self.truth, f"{self.name}: on call were {self.truth}, told were {told}"
        self.check_group(seen)

    def check_group(self, seen):
        wanted = [sorted([person, *self.others]) for person in self.truth]
        # Before the first write the group is as it was found.
        shown = seen[self.group][seen[self.group].index(wanted[0]):]
        assert shown == wanted, f"{self.name}: the group should have been {wanted}, and was {shown}"
        recorded = [sorted(h["after"]) for h in self.world.json("history", self.name) if h["cause"] != "config"][::-1]
        assert recorded == wanted, f"{self.name}: the group should have been {wanted}, and history has {recorded}"


class Overridden(Unforeseen):
    """Somebody whom nobody has looked up yet stands in; now and then the regular person comes back."""

    def news(self):
        control = self.world.control
        if len(self.overrides) == 2:
            for override in self.overrides:
                control("cancel_override", system="pagerduty", schedule=self.schedule, id=override)
            self.overrides = []
        else:
            key = f"p{len(self.truth)}"
            control("person", key=key, name=f"Person {key}", email=f"{key}@example.com")
            self.overrides.append(control("override", system="pagerduty", schedule=self.schedule, person=key, start=0,
                                          seconds=80000)["id"])
        self.truth.append(self.on_call())


class Muted(Unforeseen):
    """Its channel is archived for a while: what could not be posted goes out with the next handoff."""

    archived = False

    def settled(self, state):
        return self.members(state) == self.wanted() and (self.archived or self.told(state)[-1] == self.truth[-1])

    def told(self, state):
        return [mentioned(m) for m in self.messages(state)] or [None]

    def news(self):
        self.archived = not self.archived
        self.world.control("channel", name=self.name, archived=self.archived)
        super().news()

    def check(self, state, seen):
        told = self.told(state)
        assert told[-1] == self.truth[-1], (told, self.truth)
        assert is_part(told, self.truth), f"{self.name}: on call were {self.truth}, told were {told}"
        self.check_group(seen)


def is_part(some, all_of_them):
    """`some` are among the others, in the same order."""
    rest = iter(all_of_them)
    return all(one in rest for one in some)


class Watcher(threading.Thread):
    """What the groups looked like, one list of members after the other."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.seen, self.ended = world, {}, threading.Event()

    def run(self):
        while not self.ended.wait(0.1):
            self.look()

    def look(self):
        for group in self.world.control("state", only=["groups"])["groups"]:
            shown = self.seen.setdefault(group["handle"], [])
            members = sorted(group["users"])
            if members and (not shown or shown[-1] != members):
                shown.append(members)

    def end(self):
        self.ended.set()
        self.join()
        self.look()


def create_foreseen(world):
    start = world.control("on_call")["now"]
    for name in FORESEEN:
        world.control("schedule", system="pagerduty", id=f"P{name.upper()}", name=name, kind="layer",
                      escalation_policies=1, people=PEOPLE, shift_seconds=TURN, start=start, count=5000)
        world.control("channel", name=name, bot=True)
        world.cli("rotation", "create", name, "--group", f"@{name}-oncall", "--create-group", "--schedule",
                  f"pagerduty/P{name.upper()}", "--channel", f"#{name}", "--yes")


def adopt(world, number):
    name = f"adopted-{number}"
    world.control("group", handle=name, people=["hal", "cleo"])
    world.control("channel", name=name, bot=True)
    world.cli("rotation", "create", name, "--group", f"@{name}", "--adopt", "--schedule", "pagerduty/PTHREE",
              "--channel", f"#{name}", "--yes")
    return name


def main():
    kills = int(os.environ.get("KILLS", "40"))
    seed = int(os.environ.get("SEED", time.time()))
    random.seed(seed)
    print(f"seed {seed}")
    world = World(sys.argv[1], poll="1s", rate_scale=60, slack_extra="  history_probe: true\n")
    try:
        world.control("rate", scale=60)
        world.connect()
        world.control("person", key="hal", name="Hal", email="hal@example.com")
        create_foreseen(world)
        hal = next(u["id"] for u in world.control("state", only=["users"])["users"] if u["email"] == "hal@example.com")
        unforeseen = [Unforeseen(world, "moved"), Overridden(world, "over"), Muted(world, "muted"),
                      Unforeseen(world, "shared", ("--membership", "merge"), [hal])]
        # What is known from before is acted upon before the first answer comes.
        world.control("fault", system="pagerduty", kind="slow", slow_ms=300)
        world.control("fault", system="slack", kind="slow", match="users.lookupByEmail", slow_ms=500)
        # History reading and joining need their scopes.
        world.start()
        world.until("the first sync", lambda: all(r["state"] == "in_sync" for r in world.json("status")["rotations"]))
        watcher = Watcher(world)
        watcher.start()
        adopted = []
        for number in range(kills):
            state = world.control("state", only=["groups", "channels"])
            for rotation in unforeseen:
                if random.random() < 0.5 and rotation.settled(state):
                    rotation.news()
            if number % max(14, kills // 10 + 1) == 5:
                adopted.append(adopt(world, number))
            time.sleep(random.random() * 1.2)
            world.kill()
            if random.random() < 0.2:
                time.sleep(random.random() * 2)
            world.start()
        finish(world, unforeseen)
        watcher.end()
        check(world, FORESEEN + adopted)
        state = world.control("state", only=["groups", "channels"])
        for rotation in unforeseen:
            rotation.check(state, watcher.seen)
        print({rotation.name: len(rotation.truth) for rotation in unforeseen}, len(adopted), "adopted")
    finally:
        world.close()
    print("ok")


def finish(world, unforeseen):
    """The channel is there again, and its last handoff takes with it what could not be posted. Then nobody's turn ends."""
    def state():
        return world.control("state", only=["groups", "channels"])
    for rotation in unforeseen:
        if getattr(rotation, "archived", False):
            world.until(f"{rotation.name} settled", lambda r=rotation: r.settled(state()), 60)
            rotation.news()
    world.control("speed", shift_seconds=86400)

    def settled(now):
        return all(rotation.settled(now) for rotation in unforeseen)
    world.until("everything unforeseen settled", lambda: settled(state()), 60)


def check(world, names):
    def quiet():
        status = world.json("status")
        return status["outbox"]["pending"] == 0 and all(r["state"] == "in_sync" for r in status["rotations"])
    world.until("everything in sync and announced", quiet, 60)
    state = world.control("state", only=["groups", "channels"])
    channels = {c["name"]: c["messages"] for c in state["channels"]}
    for name, messages in channels.items():
        keys = [m["metadata"]["event_payload"]["key"] for m in messages if m["metadata"]]
        assert len(keys) == len(set(keys)), f"{name}: an announcement was doubled"
    for name in names:
        messages = channels[name]
        # Each announcement begins where the one before ended: nothing lost, nothing out of order.
        people = [mentioned(m) for m in messages]
        for before, after in zip(messages, messages[1:]):
            came = before["text"].split("<@U0")[1].split(">")[0].capitalize()
            assert came.lower() in after["text"].lower(), f"{name}: {after['text']!r} does not follow {before['text']!r}"
        assert all(a != b for a, b in zip(people, people[1:])), f"{name}: the same handoff twice: {people}"
    history = [h for h in world.json("history") if h["cause"] in ("handoff", "adoption")]
    for name in names:
        rows = [h for h in history if h["rotation"] == name][::-1]
        assert len(rows) > 1, f"{name}: only {len(rows)} changes in history"
        for before, after in zip(rows, rows[1:]):
            assert before["after"] == after["before"] or after["result"] in ("ok", "superseded"), (before, after)
        assert all(r["result"] in ("ok", "superseded") for r in rows[:-1]), rows


main()
