#!/usr/bin/env python3
"""The Slack app with real processes, over both transports: what people rely on when they click.

usage: app_system.py BIN_DIR [unittest arguments]
"""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from app_world import AppWorld, SCENARIO, field_block, find_element, texts  # noqa: E402

BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
PLATFORM = "opsgenie/d875e654-9b4e-4219-a803-0c26936870de"


class Flows:
    """One world for each transport; every test has groups and rotations of its own."""

    transport = ""

    @classmethod
    def setUpClass(cls):
        world = AppWorld(BIN, cls.transport, extra="xmatters: {allowed_hosts: [xm.example.net]}\n")
        cls.w = world
        cls.addClassCleanup(world.close)
        r = world.ready
        world.cli("connection", "add", "pagerduty", "pagerduty", "--api-key-file", world.files["pagerduty"], "--base-url",
                  r["pagerduty"])
        world.cli("connection", "add", "opsgenie", "opsgenie", "--api-key-file", world.files["opsgenie"], "--base-url",
                  r["opsgenie"])
        with open(world.config, "a", encoding="utf-8") as file:
            file.write(f"opsgenie: {{api_url: '{r['opsgenie']}'}}\n")
        text = open(world.config, encoding="utf-8").read().replace(
            "xmatters: {", f"xmatters: {{api_url: '{r['xmatters']}', ")
        with open(world.config, "w", encoding="utf-8") as file:
            file.write(text)
        world.start()
        for person in ("ada", "bo", "cleo", "dan", "guest"):
            world.open_home(person)

    def setUp(self):
        self.w.control("clear_faults", system="all")
        for person in ("ada", "bo", "cleo", "guest"):
            self.w.close_modals(person)

    # Helpers.

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

    def new_group(self, person, handle):
        """Chooses to make a group, and types its handle."""
        self.w.fill(person, "group", "new:", query="")
        self.w.until("a field for the handle", lambda: any(b["block_id"].startswith("handle~")
                                                           for b in self.w.modal(person)["view"]["blocks"]), 10)
        self.w.fill(person, "handle", handle)

    def saved(self, person, answer):
        """The submission worked: at once, or after a while."""
        self.assertIn(answer["result"], ("cleared", "closed", "updated"), answer)
        if answer["result"] == "updated":
            self.w.wait_modal(person, "notice")
            self.assertIn("is saved", texts(self.w.modal(person)["view"]))

    # The home tab.

    def test_home_is_answered_at_once_and_guests_see_who_is_on_call_only(self):
        self.create_by_cli("Home", "home-oncall")
        self.shows("in sync")
        ada = texts(self.w.home("ada")["view"])
        for part in ("Scheduling systems", "*pagerduty* (PagerDuty)", "New rotation", "<@U0ADA> (Payments primary until"):
            self.assertIn(part, ada)
        guest = texts(self.w.open_home("guest")["view"])
        self.assertIn("On call:", guest)
        self.assertNotIn("Scheduling systems", guest)

    def test_a_reader_without_rights_sees_no_buttons_and_cannot_forge_them(self):
        number = self.create_by_cli("Forged", "forged-oncall")
        view = self.w.open_home("dan")["view"]
        self.w.until("dan sees it", lambda: self.line("Forged", "dan"), 70)
        view = self.w.home("dan")["view"]
        self.assertFalse([b for b in view["blocks"] if "accessory" in b or b["type"] == "actions"])
        before = self.rotations()["Forged"]
        for verb in ("pause", "edit", "delete", "sync"):
            answer = self.w.control("act", person="dan", view="home", block_id="x", action_id="rotation_menu",
                                    value=f"{verb}:{number}", forged=True)
            self.assertTrue(answer["acked"], answer)
            modal = self.w.wait_modal("dan", "notice")
            self.assertIn("You may not", texts(modal["view"]))
            self.w.close_modals("dan")
        answer = self.w.control("act", person="dan", view="home", block_id="x", action_id="rotation_new", forged=True)
        self.assertIn("You may not create rotations", texts(self.w.wait_modal("dan", "notice")["view"]))
        self.assertEqual(self.rotations()["Forged"], before)

    def test_a_change_is_seen_without_leaving_the_tab(self):
        self.create_by_cli("Seen", "seen-oncall")
        self.w.cli("rotation", "pause", "Seen")
        self.shows("paused: the group stays as it is", seconds=10)
        self.w.cli("rotation", "delete", "Seen", "--yes")
        self.w.until("it is gone", lambda: not self.line("Seen"), 10)

    def test_my_shifts_and_commands(self):
        self.create_by_cli("Shifts", "shifts-oncall", "pagerduty/PSEARCH")
        self.w.until("bo's shifts", lambda: "*Shifts*: on call now" in texts(self.w.open_home("bo")["view"]), 70)
        text, answer = self.w.command("otto", "shifts")
        self.assertIn("*Shifts* (`shifts-oncall`): <@U0BO> (Search primary until", text)
        self.assertLess(answer["ack_ms"], 500)
        self.assertIn("next <@U0CLEO> from", self.w.command("otto", "next Shifts")[0])
        self.assertIn("*Shifts*: on call now", self.w.command("bo", "me")[0])
        self.assertIn("<@U0BO>", self.w.command("guest", "@shifts-oncall")[0])
        self.assertIn("No rotation is called", self.w.command("bo", "nonsense-xyz")[0])
        self.assertIn("/oncall next NAME", self.w.command("bo", "help")[0])

    def test_commands_answer_while_every_system_is_down_and_say_how_old_that_is(self):
        self.create_by_cli("Down", "down-oncall")
        self.shows("in sync")
        self.w.control("fault", system="all", kind="500", match="oncalls")
        self.w.until("the age of the answer", lambda: "does not answer: this is as of" in
                     self.w.command("dan", "Down")[0], 90)
        text, answer = self.w.command("dan", "Down")
        self.assertIn("<@U0ADA>", text)
        self.assertLess(answer["ack_ms"], 500)
        self.w.control("clear_faults", system="all")
        self.w.until("fresh again", lambda: "as of" not in self.w.command("dan", "Down")[0], 60)

    # Making and editing.

    def test_create_with_a_new_group(self):
        form = self.new_rotation()
        self.assertEqual(form["view"]["title"]["text"], "New rotation")
        self.w.fill("ada", "name", "Fresh")
        self.new_group("ada", "Not A Handle")
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"], query="payments")
        self.w.fill("ada", "channels", values=["payments"])
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertTrue(any(field.startswith("handle~") for field in answer["errors"]), answer["errors"])
        self.w.fill("ada", "handle", "fresh-oncall")
        self.saved("ada", self.w.submit("ada"))
        self.w.until("the group", lambda: self.w.members("fresh-oncall") == ["U0ADA"], 30)
        made = self.rotations()["Fresh"]
        self.assertEqual(made["owners"], ["U0ADA"])
        self.assertEqual(made["managed_by"], "slack")
        self.assertEqual(made["channels"], ["C0PAYMENTS"])
        self.w.until("announced", lambda: any("*Fresh*" in m["text"] for m in
                                              self.w.control("messages", channel="payments")["messages"]), 30)

    def test_adoption_needs_a_yes_and_says_who_goes_and_comes(self):
        self.new_rotation()
        self.w.fill("ada", "name", "Adopted")
        self.w.fill("ada", "group", "S0PAYMENTSONCALL", query="@payments")
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"], query="")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        modal = self.w.wait_modal("ada", "rotation_adopt")
        seen = texts(modal["view"])
        self.assertIn("*Goes:* <@U0OTTO>", seen)
        self.assertIn("*Comes:* <@U0ADA>", seen)
        self.assertIn("<@U0BO>", seen)
        self.assertIn("<#C0GENERAL>", seen)
        self.assertNotIn("Adopted", self.rotations())
        self.w.click("ada", "form_back")
        form = self.w.wait_modal("ada", "rotation_form")
        self.assertIn("Adopted", json.dumps(form["view"]["state"]))
        self.assertEqual(self.w.submit("ada")["result"], "updated")
        self.w.wait_modal("ada", "rotation_adopt")
        self.saved("ada", self.w.submit("ada"))
        self.w.until("the members", lambda: self.w.members("payments-oncall") == ["U0ADA"], 30)
        self.delete_with_restore("Adopted", "payments-oncall", ["U0OTTO"])

    def delete_with_restore(self, name, handle, before):
        self.choose("ada", name, "delete")
        modal = self.w.wait_modal("ada", "rotation_delete")
        self.assertIn("<@U0OTTO>", texts(modal["view"]))
        self.w.fill("ada", "restore", "restore")
        answer = self.w.submit("ada")
        self.assertIn(answer["result"], ("cleared", "updated"), answer)
        self.w.until("it is gone", lambda: name not in self.rotations(), 30)
        self.w.until("the former members", lambda: self.w.members(handle) == before, 30)

    def test_taken_groups_are_shown_as_taken_and_refused_at_their_field(self):
        self.create_by_cli("Taken", "taken-oncall")
        self.new_rotation()
        self.w.fill("ada", "name", "Second")
        view = self.w.modal("ada")["view"]
        place = {"person": "ada", "view": view["id"], "block_id": field_block(view, "group")["block_id"],
                 "action_id": "typed", "value": "taken"}
        # Slack's groups are remembered for half a minute.
        offered = self.w.until("the taken group", lambda: (lambda o: o if "@taken-oncall (taken by Taken)" in json.dumps(o)
                                                           else None)(self.w.control("suggest", **place)), 60)
        value = next(o["value"] for g in offered["option_groups"] for o in g["options"] if "taken by" in o["text"]["text"])
        self.w.fill("ada", "group", value)
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"], query="")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertIn("belongs to rotation \"Taken\"", json.dumps(answer["errors"]).replace('\\"', '"'))
        self.w.fill("ada", "group", "S0SEARCHONCALL", query="search")
        self.w.fill("ada", "name", "TAKEN")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertTrue(list(answer["errors"])[0].startswith("name~"), answer)

    def test_edit_is_prefilled_and_refuses_to_overwrite_anothers_change(self):
        self.create_by_cli("Edited", "edited-oncall")
        self.choose("ada", "Edited", "edit")
        form = self.w.wait_modal("ada", "rotation_form")
        self.assertEqual(form["view"]["title"]["text"], "Edit rotation")
        state = json.dumps(form["view"]["state"])
        for part in ("Edited", "@edited-oncall", "pagerduty/PSCHED1"):
            self.assertIn(part, state)
        self.w.fill("ada", "channels", values=["general"])
        self.saved("ada", self.w.submit("ada"))
        self.assertEqual(self.rotations()["Edited"]["channels"], ["C0GENERAL"])

        self.w.close_modals("ada")
        self.choose("ada", "Edited", "edit")
        self.w.wait_modal("ada", "rotation_form")
        self.w.cli("rotation", "edit", "Edited", "--channel", "#payments")
        self.w.fill("ada", "name", "Edited twice")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        form = self.w.wait_modal("ada", "rotation_form")
        self.assertIn("was changed meanwhile by cli:", texts(form["view"]))
        self.assertIn("Edited twice", json.dumps(form["view"]["state"]))
        self.assertEqual(self.rotations()["Edited"]["channels"], ["C0PAYMENTS"])

    def test_more_settings_and_the_live_preview(self):
        self.new_rotation()
        self.w.fill("ada", "name", "Preview")
        self.w.click("ada", "form_more")
        self.w.until("the text's field", lambda: any(b["block_id"].startswith("announce.template~")
                                                     for b in self.w.modal("ada")["view"]["blocks"]), 10)
        self.assertIn("Preview", json.dumps(self.w.modal("ada")["view"]["state"]))
        self.w.fill("ada", "announce.template", "{{incoming}} minds {{rotation}}")
        self.w.until("the preview", lambda: "<@U0ADA> minds Preview" in texts(self.w.modal("ada")["view"]), 10)
        self.w.fill("ada", "announce.template", "{{incomming}}")
        self.w.until("what is wrong", lambda: "did you mean" in texts(self.w.modal("ada")["view"]), 10)
        self.w.fill("ada", "group", "S0DATABASEONCALL", query="database")
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"], query="")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertTrue(list(answer["errors"])[0].startswith("announce.template~"), answer)

    def test_a_private_channel_that_the_app_is_not_in_is_told_at_its_field(self):
        self.new_rotation()
        self.w.fill("ada", "name", "Private")
        self.new_group("ada", "private-oncall")
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"], query="")
        self.w.fill("ada", "channels", values=["secret"])
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertIn("/invite @watchbill", json.dumps(answer["errors"]))

    def test_slow_look_ups_never_miss_slacks_three_seconds(self):
        self.create_by_cli("Slow", "slow-oncall")
        self.w.control("fault", system="pagerduty", kind="slow", slow_ms=4000)
        self.new_rotation()
        self.w.fill("ada", "name", "Slow second")
        self.new_group("ada", "slow-second")
        view = self.w.modal("ada")["view"]
        block = field_block(view, "schedules")["block_id"]
        self.w.until("the schedules", lambda: "PSCHED1" in json.dumps(self.w.control(
            "suggest", person="ada", view=view["id"], block_id=block, action_id="typed", value="")), 30)
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"])
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "updated", answer)
        self.assertLess(answer["ack_ms"], 3000)
        self.w.wait_modal("ada", "notice", 30)
        self.assertIn("is saved", texts(self.w.modal("ada")["view"]))
        self.assertIn("Slow second", self.rotations())

    # Care.

    def test_pause_resume_sync_and_history(self):
        self.create_by_cli("Care", "care-oncall")
        self.choose("ada", "Care", "pause")
        self.w.until("paused", lambda: self.rotations()["Care"]["paused"], 20)
        self.w.until("the menu says resume", lambda: find_element(
            self.w.home("ada")["view"], "rotation_menu", f"resume:{self.line('Care')}")[0], 20)
        self.choose("ada", "Care", "resume")
        self.w.until("resumed", lambda: not self.rotations()["Care"]["paused"], 20)
        self.choose("ada", "Care", "sync")
        self.w.until("the pass is done", lambda: self.w.modal("ada") and "Done: every system" in
                     texts(self.w.modal("ada")["view"]), 60)
        self.w.close_modals("ada")
        self.choose("ada", "Care", "history")
        modal = self.w.wait_modal("ada", "history")
        for part in ("rotation.update", "+ <@U0ADA>", "by <@U0ADA>"):
            self.assertIn(part, texts(modal["view"]))

    def test_an_owner_edits_his_rotation_and_cannot_move_it(self):
        self.create_by_cli("Owned", "owned-oncall", "pagerduty/PSCHED1", "--owner", "cleo@example.com")
        self.w.open_home("cleo")
        self.w.until("cleo sees it", lambda: self.line("Owned", "cleo"), 60)
        self.choose("cleo", "Owned", "edit")
        form = self.w.wait_modal("cleo", "rotation_form")
        self.assertIn("only an editor may give a rotation another group", texts(form["view"]))
        self.w.fill("cleo", "channels", values=["general"])
        self.saved("cleo", self.w.submit("cleo"))
        self.assertEqual(self.rotations()["Owned"]["channels"], ["C0GENERAL"])

    def test_what_a_file_manages_cannot_be_edited_here(self):
        path = os.path.join(self.w.folder, "rotations.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version: 1\nrotations:\n  - {name: Filed, group: {handle: filed-oncall}, schedules: "
                       "[pagerduty/PSCHED1]}\n")
        self.w.cli("apply", "-f", path, "--create-group", "--yes")
        number = self.w.until("Filed on the home tab", lambda: self.line("Filed"), 20)
        self.assertIn("managed by the file `rotations.yaml`", texts(self.w.home("ada")["view"]))
        view = self.w.home("ada")["view"]
        self.assertIsNone(find_element(view, "rotation_menu", f"edit:{number}")[0])
        self.assertIsNotNone(find_element(view, "rotation_menu", f"sync:{number}")[0])

    def test_fix_a_person(self):
        self.create_by_cli("Kim's", "kim-oncall", "pagerduty/PKIM")
        self.shows("*Kim Ode* is on call in pagerduty", seconds=60)
        block, element = find_element(self.w.home("ada")["view"], "person_fix")
        self.assertEqual(element["text"]["text"], "Fix")
        self.w.click("ada", "person_fix", view="home")
        modal = self.w.wait_modal("ada", "person_fix")
        self.assertIn("kim@work.example.com", texts(modal["view"]))
        self.w.fill("ada", "person", "guest")
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        self.assertIn("guest", json.dumps(answer["errors"]))
        self.w.fill("ada", "person", "kims")
        self.assertIn(self.w.submit("ada")["result"], ("cleared", "updated"))
        self.w.until("kim is in the group", lambda: self.w.members("kim-oncall") == ["U0KIMS"], 60)

    # Systems.

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
        self.w.fill("ada", "api-key-file", self.w.ready["keys"]["opsgenie"])
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

    def test_a_submission_by_somebody_without_rights_saves_nothing(self):
        """Rights that are lost while a form is open."""
        self.create_by_cli("Lost", "lost-oncall")
        self.w.control("person", key="bo", slack={"admin": True})
        try:
            self.w.kill_and_start()
            self.w.open_home("bo")
            self.w.until("bo may edit", lambda: find_element(self.w.open_home("bo")["view"], "rotation_new")[0], 20)
            self.w.click("bo", "rotation_new", view="home")
            self.w.wait_modal("bo", "rotation_form")
            self.w.fill("bo", "name", "Never")
            self.w.fill("bo", "group", "S0DATABASEONCALL", query="database")
            self.w.fill("bo", "schedules", values=["pagerduty/PSCHED1"], query="")
        finally:
            self.w.control("person", key="bo", slack={"admin": False})
        self.w.kill_and_start()
        answer = self.w.submit("bo")
        self.assertEqual(answer["result"], "updated", answer)
        self.assertIn("You may not create rotations", texts(self.w.modal("bo")["view"]))
        self.assertNotIn("Never", self.rotations())


class OverSocketMode(Flows, unittest.TestCase):
    transport = "socket"


class OverHttp(Flows, unittest.TestCase):
    transport = "http"


class ManyRotations(unittest.TestCase):
    """Search and paging at 500."""

    @classmethod
    def setUpClass(cls):
        cls.w = AppWorld(BIN, "socket", scenario_text="people:\n  - {key: ada, name: Ada, email: ada@example.com, slack: "
                                                      "{admin: true}}\n")
        cls.addClassCleanup(cls.w.close)
        cls.w.control("bulk", groups=500, people=600, schedules={"pagerduty": 500, "opsgenie": 0, "xmatters": 0},
                      people_per_schedule=2, shift_seconds=86400)
        cls.w.cli("connection", "add", "pagerduty", "pd", "--api-key-file", cls.w.files["pagerduty"], "--base-url",
                  cls.w.ready["pagerduty"])
        path = os.path.join(cls.w.folder, "many.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version: 1\nrotations:\n")
            for i in range(500):
                file.write(f"  - {{name: 'Team {i:03}', group: {{handle: g{i:04}}}, schedules: [pd/P{i:04}]}}\n")
        cls.w.cli("apply", "-f", path, "--yes", "--adopt")
        cls.w.start()

    def test_search_and_paging(self):
        view = self.w.open_home("ada")["view"]
        self.assertLessEqual(len(view["blocks"]), 100)
        self.assertIn("Rotations (500)", texts(view))
        self.assertIn("1 to 30 of 500, page 1 of 17", texts(view))
        self.w.click("ada", "home_page:next", view="home")
        self.w.until("the second page", lambda: "*Team 030*" in texts(self.w.home("ada")["view"]), 10)
        self.w.click("ada", "home_page:previous", view="home")
        self.w.until("the first page", lambda: "*Team 000*" in texts(self.w.home("ada")["view"]), 10)
        self.w.click("ada", "home_search", "team 12", view="home")
        self.w.until("what was found", lambda: "10 of 500 found for \"team 12\"" in texts(self.w.home("ada")["view"]), 10)
        self.assertIn("*Team 129*", texts(self.w.home("ada")["view"]))
        self.w.click("ada", "home_search_clear", view="home")
        self.w.until("everything", lambda: "page 1 of 17" in texts(self.w.home("ada")["view"]), 10)
        text, answer = self.w.command("ada", "")
        self.assertIn("more: the app's home tab lists all", text)
        self.assertLess(answer["ack_ms"], 500)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
