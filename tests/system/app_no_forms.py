"""`slack.credentials_in_modals: false`: no keys in Slack, whoever asks. Standard library only."""

import json

from app_flows import Flows
from app_world import AppWorld, find_element, texts

SETTING = "  credentials_in_modals: false\n"


class NoCredentialForms(Flows):
    @classmethod
    def make_world(cls):
        return AppWorld(cls.bin_dir, cls.transport, slack_extra=SETTING)

    def allow(self, allowed):
        """Restarts the daemon with or without the setting."""
        with open(self.w.config, encoding="utf-8") as file:
            text = file.read().replace(SETTING, "")
        with open(self.w.config, "w", encoding="utf-8") as file:
            file.write(text if allowed else text.replace("slack:\n", "slack:\n" + SETTING))
        self.w.kill_and_start()
        self.w.open_home("ada")

    def connections(self):
        return {c["name"]: c for c in self.w.json("connection", "list")}

    def refusal(self):
        seen = texts(self.w.wait_modal("ada", "notice")["view"])
        self.assertIn("credentials_in_modals: false", seen)
        self.assertIn("watchbill connection add", seen)
        self.w.close_modals("ada")

    def test_the_home_tab_offers_none_and_says_where_systems_are_connected(self):
        view = self.w.open_home("ada")["view"]
        self.assertNotIn("connect:", json.dumps(view))
        self.assertNotIn("system_menu", json.dumps(view))
        self.assertIn("*pagerduty* (PagerDuty)", texts(view))
        self.assertIn("Systems are connected on the host", texts(view))
        self.assertIsNotNone(find_element(view, "rotation_new")[0])

    def test_forged_clicks_open_no_form(self):
        before = self.connections()
        for action, value in (("connect:opsgenie", "opsgenie"), ("connect:pagerduty", "pagerduty"),
                              ("system_menu", "update:opsgenie"), ("system_menu", "remove:opsgenie"),
                              ("system_menu", "test:opsgenie"), ("system_fix", "opsgenie")):
            self.w.control("act", person="ada", view="home", block_id="x", action_id=action, value=value, forged=True)
            self.refusal()
        self.assertEqual(self.connections(), before)

    def test_a_refused_key_points_to_the_host(self):
        """Nobody has a button for it here."""
        self.create_by_cli("Refused", "refused-oncall", "opsgenie/d875e654-9b4e-4219-a803-0c26936870de")
        self.w.control("opsgenie", api_key="og-new-key")
        try:
            self.shows("refuses its credentials", seconds=60)
            self.shows("`watchbill connection update opsgenie`", seconds=20)
            self.assertIsNone(find_element(self.w.home("ada")["view"], "system_fix")[0])
        finally:
            self.w.control("opsgenie", api_key=self.w.ready["keys"]["opsgenie"])

    def test_forms_that_were_open_before_are_refused_and_forget_their_keys(self):
        self.allow(True)
        try:
            self.w.click("ada", "connect:opsgenie", view="home")
            self.w.wait_modal("ada", "connection_form")
            self.w.fill("ada", "connection", "og-forged")
            self.w.fill("ada", "api-key-file", self.w.ready["keys"]["opsgenie"])
        finally:
            self.allow(False)
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        form = self.w.modal("ada")
        self.assertIn("credentials_in_modals: false", texts(form["view"]))
        self.assertNotIn(self.w.ready["keys"]["opsgenie"], json.dumps(form))
        self.assertNotIn("og-forged", self.connections())
        self.w.close_modals("ada")
        # The same for taking a system away.
        self.allow(True)
        try:
            self.w.click("ada", "system_menu", "remove:pagerduty", view="home")
            self.w.wait_modal("ada", "connection_remove")
        finally:
            self.allow(False)
        self.w.submit("ada")
        self.assertIn("credentials_in_modals: false", texts(self.w.wait_modal("ada", "notice")["view"]))
        self.assertIn("pagerduty", self.connections())
