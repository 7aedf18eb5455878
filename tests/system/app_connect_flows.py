"""Scheduling systems connected, given new credentials and disconnected in Slack. Standard library only."""

import json

from app_flows import PLATFORM, Flows
from app_world import texts


class ConnectFlows(Flows):
    def open_connect(self, kind):
        self.w.click("ada", f"connect:{kind}", view="home")
        return self.w.wait_modal("ada", "connection_form")

    def test_connect_with_a_good_and_with_a_bad_key(self):
        self.open_connect("opsgenie")
        self.w.fill("ada", "connection", "og-two")
        self.w.fill("ada", "api-key-file", "og-wrong-key-1234567")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertTrue(list(answer["errors"])[0].startswith("api-key-file~"), answer)
        # However it was copied.
        self.w.fill("ada", "api-key-file", f'"{self.w.ready["keys"]["opsgenie"]}"')
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        self.assertIn("*og-two* works", texts(self.w.wait_modal("ada", "notice")["view"]))
        self.assertIn("og-two", [c["name"] for c in self.w.json("connection", "list")])
        # The name is taken now.
        self.w.close_modals("ada")
        self.open_connect("opsgenie")
        self.w.fill("ada", "connection", "og-two")
        self.w.fill("ada", "api-key-file", "anything-at-all")
        answer = self.w.submit("ada")
        self.assertTrue(list(answer["errors"])[0].startswith("connection~"), answer)
        # A slow system: told later.
        self.w.fill("ada", "connection", "og-slow")
        self.w.fill("ada", "api-key-file", self.w.ready["keys"]["opsgenie"])
        self.w.control("fault", system="opsgenie", kind="slow", slow_ms=4000, times=1)
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        self.assertIn("Checking", texts(self.w.modal("ada")["view"]))
        self.assertIn("*og-slow* works", texts(self.w.wait_modal("ada", "notice", 30)["view"]))
        # And disconnected again.
        self.w.close_modals("ada")
        self.shows("*og-slow* (Opsgenie)")
        self.w.click("ada", "system_menu", "remove:og-slow", view="home")
        self.w.wait_modal("ada", "connection_remove")
        self.assertEqual(self.w.submit("ada")["result"], "cleared")
        self.assertNotIn("og-slow", [c["name"] for c in self.w.json("connection", "list")])

    def test_jsm_operations_is_connected_by_site_account_and_token(self):
        keys = self.w.ready["keys"]
        self.open_connect("jsm")
        self.w.fill("ada", "connection", "ops")
        self.w.fill("ada", "site", "evil.example.com")
        self.w.fill("ada", "email", keys["jsm_email"])
        self.w.fill("ada", "api-token-file", "jsm-wrong-token-123")
        self.assertTrue(list(self.w.submit("ada")["errors"])[0].startswith("site~"))
        self.w.fill("ada", "site", f"https://{keys['jsm_site']}/jira")
        self.assertTrue(list(self.w.submit("ada")["errors"])[0].startswith("api-token-file~"))
        self.w.fill("ada", "api-token-file", keys["jsm_token"])
        self.assertEqual(self.w.submit("ada")["result"], "updated")
        self.assertIn("*ops* works", texts(self.w.wait_modal("ada", "notice")["view"]))
        self.w.close_modals("ada")
        self.shows("*ops* (JSM Operations)")
        self.shows("Opsgenie ends on 2027-04-05")
        self.w.cli("--yes", "connection", "remove", "ops")

    def test_a_slow_bad_key_brings_the_form_back_without_the_secret(self):
        self.open_connect("opsgenie")
        self.w.fill("ada", "connection", "og-bad")
        self.w.fill("ada", "api-key-file", "og-slow-wrong-key-42")
        self.w.control("fault", system="opsgenie", kind="slow", slow_ms=3500, times=1)
        self.assertEqual(self.w.submit("ada")["result"], "updated")
        form = self.w.wait_modal("ada", "connection_form", 30)
        self.assertIn("\u26a0", texts(form["view"]))
        self.assertIn("og-bad", json.dumps(form["view"]["state"]))
        self.assertNotIn("og-slow-wrong-key-42", json.dumps(form))
        with open(self.w.log.name, encoding="utf-8") as log:
            self.assertNotIn("og-slow-wrong-key-42", log.read())

    def test_an_xmatters_host_is_cleaned_and_never_leads_inside(self):
        self.open_connect("xmatters")
        keys = self.w.ready["keys"]
        self.w.fill("ada", "connection", "xm")
        self.w.fill("ada", "api-key-file", keys["xmatters_key"])
        self.w.fill("ada", "api-secret-file", keys["xmatters_secret"])
        for host in ("169.254.169.254", "localhost", "127.0.0.1:8080", "evil.example.com", "xmatters.com.evil.example",
                     "https://user@acme.xmatters.com", "acme.xmatters.com:8443", "[::1]", "metadata.google.internal"):
            self.w.fill("ada", "host", host)
            answer = self.w.submit("ada")
            self.assertEqual(answer["result"], "errors", (host, answer))
            self.assertTrue(list(answer["errors"])[0].startswith("host~"), (host, answer))
        self.w.fill("ada", "host", "https://www.ACME.xmatters.com/")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        self.assertIn("*xm* works", texts(self.w.wait_modal("ada", "notice")["view"]))
        xm = next(c for c in self.w.json("connection", "list") if c["name"] == "xm")
        self.assertEqual(xm["settings"]["host"], "acme.xmatters.com")

    def test_new_credentials_keep_the_connection_and_what_uses_it(self):
        self.create_by_cli("Renewed", "renewed-oncall", PLATFORM)
        self.w.control("opsgenie", api_key="og-new-key")
        try:
            self.shows("refuses its credentials", seconds=60)
            self.shows('give it a new key with "New credentials"')
            self.assertNotIn("watchbill connection update", texts(self.w.home("ada")["view"]))
            self.w.click("ada", "system_fix", "opsgenie", view="home")
            self.w.wait_modal("ada", "connection_form")
            self.w.fill("ada", "api-key-file", "og-new-key")
            answer = self.w.submit("ada")
            self.assertEqual(answer["result"], "updated", answer)
            self.assertIn("*opsgenie* works", texts(self.w.wait_modal("ada", "notice")["view"]))
            self.assertEqual(self.w.json("connection", "test", "opsgenie")["verified"], True)
        finally:
            self.w.control("opsgenie", api_key=self.w.ready["keys"]["opsgenie"])
            self.w.cli("connection", "update", "opsgenie", "--api-key-file", self.w.files["opsgenie"])

    def test_a_system_in_use_is_not_disconnected(self):
        self.create_by_cli("Using", "using-oncall")
        self.w.click("ada", "system_menu", "remove:pagerduty", view="home")
        self.w.until("why not", lambda: self.w.modal("ada") and "cannot be disconnected while rotations use it" in
                     texts(self.w.modal("ada")["view"]), 10)
        self.w.close_modals("ada")
        self.w.click("ada", "system_menu", "test:pagerduty", view="home")
        self.w.until("it works", lambda: self.w.modal("ada") and "*pagerduty* works" in
                     texts(self.w.modal("ada")["view"]), 20)
