"""The home tab and commands at 500 rotations. Standard library only."""

from app_world import AppWorld, texts

EMPTY = "people:\n  - {key: ada, name: Ada, email: ada@example.com, slack: {admin: true}}\n"


class ManyRotations:
    """Search and paging at 500. Mixed with unittest.TestCase by app_system.py."""

    transport = ""
    bin_dir = ""

    @classmethod
    def setUpClass(cls):
        cls.w = AppWorld(cls.bin_dir, cls.transport, scenario_text=EMPTY)
        cls.addClassCleanup(cls.w.close)
        cls.w.make_teams(500, people=600)
        cls.w.start()

    def test_search_and_paging(self):
        view = self.w.open_home("ada")["view"]
        self.assertLessEqual(len(view["blocks"]), 100)
        self.assertIn("Rotations (500)", texts(view))
        self.assertIn("1 to 30 of 500, page 1 of 17", texts(view))
        self.turn("home_page:next", "*Team 030*")
        self.turn("home_page:previous", "*Team 000*")
        self.turn("home_search", "10 of 500 found for \"team 12\"", "team 12")
        self.assertIn("*Team 129*", texts(self.w.home("ada")["view"]))
        # By group, with and without '@'.
        self.turn("home_search", "1 of 500 found for \"@g0321\"", "@g0321")
        self.assertIn("*Team 321*", texts(self.w.home("ada")["view"]))
        self.turn("home_search_clear", "page 1 of 17")

    def turn(self, action, shown, value=None):
        self.w.click("ada", action, value, view="home")
        self.w.until(shown, lambda: shown in texts(self.w.home("ada")["view"]), 10)

    def test_commands_answer_at_once_and_are_cut_with_a_pointer(self):
        # Slack's own time out is 3 s; a busy test machine is given a second.
        text, answer = self.w.command("ada", "", channel="c0000")
        self.assertIn("more: the app's home tab lists all", text)
        self.assertLess(answer["ack_ms"], 1000)
        text, answer = self.w.command("ada", "Team 12", channel="c0000")
        self.assertIn("\"Team 12\" may be *Team 120*", text)
        self.assertLess(answer["ack_ms"], 1000)
        self.w.until("who is next", lambda: "*Team 123* (`g0123`): next" in
                     self.w.command("ada", "next Team 123", channel="c0000")[0], 20)
