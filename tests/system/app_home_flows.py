"""The home tab and commands: what people see, and what one click does. Standard library only."""

import json
import os

from app_flows import Flows
from app_world import find_element, texts


class HomeFlows(Flows):
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

    def test_who_may_not_edit_reads_a_rotations_history_all_the_same(self):
        self.create_by_cli("Read", "read-oncall", "pagerduty/PSCHED1", "--owner", "cleo@example.com")
        self.w.cli("rotation", "pause", "Read")
        self.assertIn("`/oncall history NAME`", texts(self.w.open_home("dan")["view"]))
        text, answer = self.w.command("dan", "history Read")
        for part in ("*Read*, the latest first", "*created*", "*paused*", " on the host"):
            self.assertIn(part, text)
        self.assertLess(answer["ack_ms"], 500)
        self.assertIn("Guests can see who is on call", self.w.command("guest", "history Read")[0])
        self.w.cli("rotation", "delete", "Read", "--yes")
        self.assertIn("*deleted*", self.w.command("dan", "history read")[0])

    def test_a_change_is_seen_without_leaving_the_tab(self):
        self.create_by_cli("Seen", "seen-oncall")
        self.w.cli("rotation", "pause", "Seen")
        self.shows("paused: the group stays as it is", seconds=10)
        self.w.cli("rotation", "delete", "Seen", "--yes")
        self.w.until("it is gone", lambda: not self.line("Seen"), 10)

    def test_my_shifts_and_commands(self):
        self.create_by_cli("Shifts", "shifts-oncall", "pagerduty/PSEARCH")
        self.w.until("bo's shifts", lambda: "*Shifts*: on call now" in texts(self.w.open_home("bo")["view"]), 70)
        # The coming weeks may be known before the first answer to "who is on call".
        self.w.until("who is on call", lambda: "not known" not in self.w.command("otto", "shifts")[0], 70)
        text, answer = self.w.command("otto", "shifts")
        self.assertIn("*Shifts* (`shifts-oncall`): <@U0BO> (Search primary until", text)
        self.assertLess(answer["ack_ms"], 500)
        # The coming weeks may be known after the first answer to "who is on call", too.
        self.w.until("who is next", lambda: "next <@U0CLEO> from" in self.w.command("otto", "next Shifts")[0], 70)
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
        for part in ("*paused*", "*resumed*", "*created*", "+ <@U0ADA>", "by <@U0ADA>", " on the host"):
            self.assertIn(part, texts(modal["view"]))

    def test_what_a_file_manages_cannot_be_edited_here(self):
        path = os.path.join(self.w.folder, "rotations.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version: 1\nrotations:\n  - {name: Filed, group: {handle: filed-oncall}, schedules: "
                       "[pagerduty/PSCHED1]}\n")
        self.w.cli("apply", "-f", path, "--create-group", "--yes")
        number = self.w.until("Filed on the home tab", lambda: self.line("Filed"), 20)
        self.assertIn(f"managed by the file `{path}`: change it there", texts(self.w.home("ada")["view"]))
        view = self.w.home("ada")["view"]
        self.assertIsNone(find_element(view, "rotation_menu", f"edit:{number}")[0])
        self.assertIsNotNone(find_element(view, "rotation_menu", f"sync:{number}")[0])

    def test_a_group_that_may_not_be_edited_needs_attention(self):
        self.create_by_cli("Forbidden", "forbidden-oncall")
        self.shows("in sync")
        self.w.control("slack", admins_only=True)
        try:
            self.w.control("group", handle="forbidden-oncall", people=["otto"])
            self.shows("the workspace lets only some people", seconds=60)
            self.assertIn("Needs attention", texts(self.w.home("ada")["view"]))
            self.assertIn("set the workspace's permission for user groups to Everyone", texts(self.w.home("ada")["view"]))
        finally:
            self.w.control("slack", admins_only=False)

    def test_a_lost_scope_needs_attention(self):
        self.create_by_cli("Scoped", "scoped-oncall")
        self.shows("in sync")
        token = self.w.ready["tokens"]["bot"]
        self.w.control("token", token=token, drop=["usergroups:write"])
        try:
            self.w.control("group", handle="scoped-oncall", people=["otto"])
            self.shows("usergroups:write", seconds=60)
            self.assertIn("Needs attention", texts(self.w.home("ada")["view"]))
        finally:
            self.w.control("token", token=token, add=["usergroups:write"])

    def test_fix_a_person(self):
        self.create_by_cli("Kim's", "kim-oncall", "pagerduty/PKIM")
        self.shows("*Kim Ode* is on call in pagerduty", seconds=60)
        seen = texts(self.w.home("ada")["view"])
        self.assertIn('say who that is in Slack with "Fix"', seen)
        self.assertNotIn("watchbill people map", seen)
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
        self.assertEqual(self.w.submit("ada")["result"], "updated")
        self.assertIn("*Kim Ode* is <@U0KIMS> in Slack from now on", texts(self.w.modal("ada")["view"]))
        self.w.until("kim is in the group", lambda: self.w.members("kim-oncall") == ["U0KIMS"], 60)
        # A wrong choice is taken back, and asked for again.
        self.w.click("ada", "person_back")
        self.w.until("it is taken back", lambda: "It is taken back" in texts(self.w.modal("ada")["view"]), 10)
        self.w.close_modals("ada")
        self.shows("*Kim Ode* is on call in pagerduty", seconds=60)
        self.w.click("ada", "person_fix", view="home")
        self.w.wait_modal("ada", "person_fix")
        self.w.fill("ada", "person", "kims")
        self.w.submit("ada")
        self.w.close_modals("ada")
        self.w.until("nothing is asked", lambda: not find_element(self.w.home("ada")["view"], "person_fix")[0], 30)
