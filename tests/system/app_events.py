"""What Slack tells of people and groups is seen at once, long before the next poll. Standard library only."""

import time

from app_world import AppWorld

EVENTS = ["user_change", "team_join", "subteam_created", "subteam_updated", "subteam_members_changed"]
# The next poll, and the next look at those on call, are a minute away.
AT_ONCE = 15


class EventsSeen:
    """Mixed with unittest.TestCase by app_system.py."""

    transport = ""
    bin_dir = ""

    @classmethod
    def setUpClass(cls):
        cls.w = AppWorld(cls.bin_dir, cls.transport, poll="60s")
        cls.addClassCleanup(cls.w.close)
        cls.w.control("app", events=EVENTS)
        cls.w.connect_in_use()
        cls.w.cli("rotation", "create", "Payments", "--group", "@payments-oncall", "--adopt", "--schedule",
                  "pagerduty/PSCHED1", "--empty", "fallback", "--fallback", "cleo@example.com", "--yes")
        cls.w.start()
        cls.w.until("in sync", lambda: cls.members() == ["U0ADA"], 60)
        # Slack tells of our own writes, too: what comes right after one is not looked at.
        time.sleep(11)

    @classmethod
    def group(cls):
        groups = cls.w.control("state", only=["groups"])["groups"]
        return next(g for g in groups if g["handle"] == "payments-oncall")

    @classmethod
    def members(cls):
        return cls.group()["users"]

    def acknowledged(self, kind):
        told = self.w.control("deliveries", type=kind)["deliveries"]
        return told and all(one["ack_ms"] is not None and not one["trouble"] for one in told)

    def test_a_deactivation_and_the_return_are_seen_at_once(self):
        self.w.control("person", key="ada", slack={"deleted": True})
        self.w.until("ada is out", lambda: self.members() == ["U0CLEO"], AT_ONCE)
        self.w.control("person", key="ada", slack={"deleted": False})
        self.w.until("ada is back", lambda: self.members() == ["U0ADA"], AT_ONCE)
        self.assertTrue(self.acknowledged("user_change"))
        time.sleep(11)

    def test_a_group_that_was_edited_by_hand_is_put_right_at_once(self):
        self.w.control("group", handle="payments-oncall", people=["otto"], by="bo")
        self.w.until("the group is right", lambda: self.members() == ["U0ADA"], AT_ONCE)
        self.assertTrue(self.acknowledged("subteam_members_changed"))
        self.assertTrue(self.acknowledged("subteam_updated"))
        time.sleep(11)


    def test_a_group_that_was_disabled_by_hand_is_enabled_at_once(self):
        self.w.control("group", handle="payments-oncall", disabled=True, by="bo")
        self.w.until("the group is there", lambda: not self.group()["disabled"], AT_ONCE)
        time.sleep(11)
