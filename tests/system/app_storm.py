"""A storm of interactions while a storm of handoffs runs. Standard library only."""

import threading
import time

from app_many import EMPTY
from app_world import AppWorld, field_block

INTERACTIONS = 1000
SECONDS = 10
HANDOFFS = 100
PEOPLE = 60
THREADS = 25


class Storm:
    """1,000 interactions in 10 s, each acknowledged within Slack's 3 s, while 100 groups hand off.

    Mixed with unittest.TestCase by app_system.py.
    """

    transport = ""
    bin_dir = ""

    @classmethod
    def setUpClass(cls):
        # Slack's limits times 30: the handoffs alone take the 10 s.
        cls.w = AppWorld(cls.bin_dir, cls.transport, scenario_text=EMPTY, rate_scale=30)
        cls.addClassCleanup(cls.w.close)
        cls.w.make_teams(HANDOFFS, PEOPLE, ", channels: ['#c0000']")
        cls.w.start()
        cls.w.until("everything in sync", lambda: all(r["state"] == "in_sync" for r in cls.w.json("status")["rotations"]),
                    60)

    def groups(self):
        return {g["handle"]: g["users"] for g in self.w.control("state", only=["groups"])["groups"]}

    def acknowledged(self, first, count):
        """What was delivered after `first`, once all of it is acknowledged."""
        told = self.w.control("deliveries", since=first)["deliveries"]
        return told if len(told) >= count and all(one["ack_ms"] is not None for one in told) else None

    def how_many(self):
        """All of them, or as many as this machine can send: one that is busy with other things is no proof."""
        begun = time.monotonic()
        for _ in range(50):
            self.w.command("ada", "me", channel="c0000")
        possible = 50 / (time.monotonic() - begun)
        return int(min(INTERACTIONS, SECONDS * max(10, possible / 2)))

    def interact(self, number, form):
        """One interaction of one of many people."""
        person = f"u{number % PEOPLE:04}"
        kind = number % 4
        if kind == 0:
            text = ("", "me", f"Team {number % HANDOFFS:03}", f"next Team {number % HANDOFFS:03}")[number // 4 % 4]
            return self.w.control("command", person=person, channel="c0000", command="/oncall", text=text, seconds=0)
        if kind == 1:
            return self.w.control("open_home", person=person)
        if kind == 2:
            return self.w.control("suggest", person="ada", value=f"team {number % 10}", **form)
        return self.w.control("act", person=person, view="home", block_id="x", action_id="rotation_menu",
                              value=f"pause:{number % HANDOFFS + 1}", forged=True)

    def test_every_acknowledgement_is_in_time(self):
        before = self.groups()
        self.w.open_home("ada")
        self.w.click("ada", "rotation_new", view="home")
        view = self.w.wait_modal("ada", "rotation_form")["view"]
        form = {"view": view["id"], "block_id": field_block(view, "schedules")["block_id"], "action_id": "typed"}
        for i in range(PEOPLE):
            self.w.control("open_home", person=f"u{i:04}")
        self.w.until("their home tabs", lambda: all(self.w.home(f"u{i:04}") for i in range(PEOPLE)), 60)
        count = self.how_many()
        first = self.w.control("deliveries", since=0)["last"]
        trouble = []

        def run(thread):
            for number in range(thread, count, THREADS):
                time.sleep(max(0.0, begun + number * SECONDS / count - time.monotonic()))
                try:
                    answer = self.interact(number, form)
                    if not answer.get("acked", True) or answer.get("shown"):
                        trouble.append(answer)
                except Exception as error:  # the thread must not end the test quietly
                    trouble.append(repr(error))

        for i in range(HANDOFFS):
            self.w.control("end_shift", system="pagerduty", schedule=f"P{i:04}")
        begun = time.monotonic()
        threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lasted = time.monotonic() - begun
        self.assertEqual(trouble[:3], [])
        told = self.w.until("every acknowledgement", lambda: self.acknowledged(first, count), 30)
        took = [one["ack_ms"] for one in told]
        self.assertEqual([one for one in told if one["trouble"]][:3], [])
        print(f"{count} interactions in {lasted:.1f} s: slowest acknowledgement {max(took)} ms, "
              f"median {sorted(took)[len(took) // 2]} ms", flush=True)
        self.assertLess(max(took), 3000)
        self.w.until("every group has handed off",
                     lambda: all(users != before[handle] for handle, users in self.groups().items()), 60)
        # The forged clicks changed nothing.
        self.assertFalse([r["name"] for r in self.w.json("rotation", "list") if r["paused"]])
