"""What the tests of the Slack app share: a world for each suite and transport. Standard library only."""

import os

from app_world import AppWorld, texts

PLATFORM = "opsgenie/d875e654-9b4e-4219-a803-0c26936870de"


class Flows:
    """Mixed with unittest.TestCase by app_system.py. Every test has groups and rotations of its own."""

    transport = ""
    bin_dir = ""

    @classmethod
    def setUpClass(cls):
        world = cls.make_world()
        cls.w = world
        cls.addClassCleanup(world.close)
        world.connect_in_use()
        world.start()
        for person in ("ada", "bo", "cleo", "dan", "guest"):
            world.open_home(person)

    @classmethod
    def make_world(cls):
        return AppWorld(cls.bin_dir, cls.transport, extra="xmatters: {allowed_hosts: [xm.example.net]}\n")

    def setUp(self):
        self.w.control("clear_faults", system="all")
        for person in ("ada", "bo", "cleo", "guest"):
            self.w.close_modals(person)

    def rotations(self):
        return {r["name"]: r for r in self.w.json("rotation", "list")}

    def create_by_cli(self, name, handle, schedule="pagerduty/PSCHED1", *more):
        self.w.cli("rotation", "create", name, "--group", "@" + handle, "--create-group", "--schedule", schedule, "--quiet",
                   *more)
        return self.w.until(f"{name} on ada's home tab", lambda: self.line(name), 20)

    def line(self, name, person="ada"):
        """The rotation's menu on somebody's home tab: its number; None if it is not there (yet)."""
        view = self.w.home(person)["view"]
        for block in view["blocks"]:
            if block["type"] == "section" and f"*{name}*" in block["text"]["text"] and \
                    block["block_id"].startswith("rotation:"):
                return block["block_id"].split(":")[1]
        return None

    def shows(self, what, person="ada", seconds=20):
        self.w.until(f"{what!r} on {person}'s home tab", lambda: what in texts(self.w.home(person)["view"]), seconds)

    def choose(self, person, name, verb):
        number = self.w.until(f"{name} on {person}'s home tab", lambda: self.line(name, person), 20)
        self.w.click(person, "rotation_menu", f"{verb}:{number}", view="home")

    def new_rotation(self, person="ada"):
        self.w.click(person, "rotation_new", view="home")
        return self.w.wait_modal(person, "rotation_form")

    def saved(self, person, answer):
        """The submission worked: at once, or after a while."""
        self.assertIn(answer["result"], ("cleared", "closed", "updated"), answer)
        if answer["result"] == "updated":
            self.w.wait_modal(person, "notice")
            self.assertIn("is saved", texts(self.w.modal(person)["view"]))
