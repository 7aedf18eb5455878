"""Rotations made, edited and deleted in Slack. Standard library only."""

import json

from app_flows import Flows
from app_world import field_block, find_element, texts


class EditFlows(Flows):
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

    def test_a_new_handle_that_slack_refuses_is_told_at_its_field(self):
        self.new_rotation()
        self.w.fill("ada", "name", "Platform")
        self.new_group("ada", "platform-engineering-primary-oncall")
        self.w.fill("ada", "schedules", values=["pagerduty/PSCHED1"], query="payments")
        self.w.control("fault", system="slack", kind="error", match="usergroups.create", code="bad_handle", times=1)
        answer = self.w.submit("ada")
        self.assertEqual(answer["result"], "errors", answer)
        told = {field.partition("~")[0]: text for field, text in answer["errors"].items()}
        self.assertIn("Slack does not accept the handle", told["handle"])
        self.assertNotIn("Platform", self.rotations())
        self.saved("ada", self.w.submit("ada"))
        self.w.until("the group", lambda: self.w.members("platform-engineering-primary-oncall") == ["U0ADA"], 30)

    def new_group(self, person, handle):
        """Chooses to make a group, and types its handle."""
        self.w.fill(person, "group", "new:", query="")
        self.w.until("a field for the handle", lambda: any(b["block_id"].startswith("handle~")
                                                           for b in self.w.modal(person)["view"]["blocks"]), 10)
        self.w.fill(person, "handle", handle)

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
        self.w.cli("rotation", "create", "Taken", "--group", "@taken-oncall", "--schedule", "pagerduty/PSCHED1", "--quiet")
        self.new_rotation()
        self.w.fill("ada", "name", "Second")
        view = self.w.modal("ada")["view"]
        place = {"person": "ada", "view": view["id"], "block_id": field_block(view, "group")["block_id"],
                 "action_id": "typed", "value": "taken"}
        offered = self.w.control("suggest", **place)
        self.assertIn("@taken-oncall (taken by Taken)", json.dumps(offered))
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

    def test_edit_is_prefilled_and_goes_on_after_anothers_change(self):
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
        seen = texts(form["view"])
        self.assertRegex(seen, r"Not saved yet.*\n\u2022 .* on the host, <!date\^.*: channels")
        self.assertIn("*Announce handoffs in* shows what the other change made of it", seen)
        self.assertIn("Edited twice", json.dumps(form["view"]["state"]))
        self.assertEqual(self.rotations()["Edited"]["channels"], ["C0PAYMENTS"])
        # The same form saves on top of it; where both changed, the form says so first.
        self.w.cli("rotation", "edit", "Edited", "--name", "Edited elsewhere")
        self.assertEqual(self.w.submit("ada")["result"], "updated")
        seen = texts(self.w.wait_modal("ada", "rotation_form")["view"])
        self.assertIn("Both of you changed *Name*", seen)
        self.assertIn("It is *Edited elsewhere* now", seen)
        self.saved("ada", self.w.submit("ada"))
        self.assertEqual(self.rotations()["Edited twice"]["channels"], ["C0PAYMENTS"])

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

    def test_a_rotation_moves_to_a_new_group_although_its_old_one_has_its_name(self):
        self.create_by_cli("Moved", "before-oncall")
        self.w.until("the group", lambda: self.w.members("before-oncall") == ["U0ADA"], 30)
        self.choose("ada", "Moved", "edit")
        self.w.wait_modal("ada", "rotation_form")
        self.new_group("ada", "after-oncall")
        self.saved("ada", self.w.submit("ada"))
        self.w.until("the new group", lambda: self.w.members("after-oncall") == ["U0ADA"], 30)
        self.assertEqual(self.rotations()["Moved"]["group"]["handle"], "after-oncall")

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
