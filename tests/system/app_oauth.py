"""PagerDuty connected in the browser: the daemon's pages, PagerDuty's identity server, and Slack. Standard library only."""

import http.client
import os
import re
import urllib.parse

from app_flows import Flows
from app_world import AppWorld, find_element, texts

PUBLIC = "https://watchbill.example.com"


class Browser:
    """Follows no redirect by itself, keeps cookies, and reaches the public address where the daemon listens."""

    def __init__(self, world):
        self.world = world
        self.cookie = None

    def ask(self, method, url, form=None):
        parts = urllib.parse.urlsplit(url)
        ours = f"{parts.scheme}://{parts.netloc}" == PUBLIC
        address = f"127.0.0.1:{self.world.port}" if ours else parts.netloc
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        if ours and self.cookie:
            headers["Cookie"] = self.cookie
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""),
                           urllib.parse.urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if ours and answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        connection.close()
        return answer, text

    def begin(self, url):
        """From the link in Slack to PagerDuty's page; the address there."""
        answer, text = self.ask("GET", url)
        assert answer.status == 200, (answer.status, text)
        assert "Ada Lindqvist asked Watchbill to connect PagerDuty" in text, text
        ticket = re.search(r'name="ticket" value="([^"]+)"', text).group(1)
        answer, text = self.ask("POST", f"{PUBLIC}/oauth/start", {"ticket": ticket})
        assert answer.status == 303, (answer.status, text)
        return answer.getheader("Location")

    def decide(self, address, decision="accept", person="ada"):
        """At PagerDuty; the address that it leads back to."""
        _, text = self.ask("GET", address)
        request = re.search(r'name="request" value="([^"]+)"', text).group(1)
        identity = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(address))
        answer, text = self.ask("POST", f"{identity}/oauth/consent",
                                {"request": request, "decision": decision, "person": person})
        return answer.getheader("Location") or text


class OAuthInBrowser(Flows):
    @classmethod
    def make_world(cls):
        world = AppWorld(cls.bin_dir, cls.transport, extra=f"public_url: {PUBLIC}\n")
        path = os.path.join(world.folder, "pagerduty-oauth-client-secret")
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(world.ready["keys"]["pagerduty_client_secret"])
        with open(world.config, "a", encoding="utf-8") as file:
            file.write(f"pagerduty: {{oauth_client_id: {world.ready['keys']['pagerduty_client_id']}, "
                       f"oauth_client_secret_file: {path}, identity_url: '{world.ready['identity']}', "
                       f"api_url: '{world.ready['pagerduty']}'}}\n")
        world.control("pagerduty", redirect_uris=[f"{PUBLIC}/oauth/callback"])
        return world

    def setUp(self):
        super().setUp()
        self.w.control("pagerduty", code_seconds=30, withheld_scopes=[], region="us")

    def connections(self):
        return [c["name"] for c in self.w.json("connection", "list")]

    def link(self, renew=None):
        """Clicks through to the link that leads out of Slack; `renew`: the connection that gets new tokens."""
        self.w.close_modals("ada")
        if renew:
            self.w.click("ada", "system_menu", f"update:{renew}", view="home")
        else:
            self.w.click("ada", "connect:pagerduty", view="home")
        form = self.w.wait_modal("ada", "connection_form")
        _, button = find_element(form["view"], "open_browser")
        self.w.click("ada", "open_browser")
        return button["url"]

    def account_question(self):
        modal = self.w.wait_modal("ada", "account")
        self.assertIn("Nothing is read from it before you say yes", texts(modal["view"]))
        return texts(modal["view"])

    def nothing_waits(self, before):
        self.assertEqual(self.connections(), before)
        self.assertNotIn("Is that the account", texts(self.w.open_home("ada")["view"]))

    def test_connected_after_the_askers_yes_and_a_state_counts_once(self):
        before = self.connections()
        browser = Browser(self.w)
        back = browser.decide(browser.begin(self.link()))
        answer, text = browser.ask("GET", back)
        self.assertEqual(answer.status, 200, text)
        self.assertIn("One more step, in Slack", text)
        self.assertIn("Ada Lindqvist", self.account_question())
        self.assertEqual(self.connections(), before)
        # The same address again: used up, and what waits stays.
        answer, text = browser.ask("GET", back)
        self.assertEqual(answer.status, 410, text)
        self.assertIn("not good any more", text)
        self.w.click("ada", "account_confirm")
        modal = self.w.wait_modal("ada", "notice")
        self.assertIn("is connected", texts(modal["view"]))
        name = next(iter(set(self.connections()) - set(before)))
        self.assertTrue(self.w.json("connection", "test", name)["verified"])
        self.w.until("it is on the home tab", lambda: f"*{name}* (PagerDuty)" in texts(self.w.home("ada")["view"]), 20)

    def connect_in_browser(self):
        """The name of a new connection that PagerDuty gave tokens for."""
        before = self.connections()
        browser = Browser(self.w)
        browser.ask("GET", browser.decide(browser.begin(self.link())))
        self.account_question()
        self.w.click("ada", "account_confirm")
        self.w.wait_modal("ada", "notice")
        name = next(iter(set(self.connections()) - set(before)))
        self.w.until("it is on the home tab", lambda: f"*{name}* (PagerDuty)" in texts(self.w.home("ada")["view"]), 20)
        return name

    def opened_by(self, name):
        """Whose tokens the connection has, as PagerDuty says."""
        return self.w.json("connection", "test", name)["account"]

    def test_authorizing_again_keeps_the_connection_and_its_rotations(self):
        name = self.connect_in_browser()
        self.create_by_cli("Renewed", "renewed-oncall", f"{name}/PSCHED1")
        self.w.until("the group", lambda: self.w.members("renewed-oncall") == ["U0ADA"], 30)
        before, rotation = self.connections(), self.rotations()["Renewed"]
        self.assertIn("Ada Lindqvist", self.opened_by(name))
        # Another account, and a no: the old tokens stay in use.
        browser = Browser(self.w)
        browser.ask("GET", browser.decide(browser.begin(self.link(name)), person="bo"))
        self.assertIn("Bo Tanaka", self.account_question())
        self.w.click("ada", "account_refuse")
        self.w.until("the word", lambda: "The tokens are deleted here" in texts(self.w.modal("ada")["view"]), 10)
        self.assertIn("Ada Lindqvist", self.opened_by(name))
        # And a yes: the same connection with the new ones, and the group goes on being kept.
        browser = Browser(self.w)
        browser.ask("GET", browser.decide(browser.begin(self.link(name)), person="bo"))
        self.account_question()
        self.w.click("ada", "account_confirm")
        self.assertIn(f"*{name}* is connected", texts(self.w.wait_modal("ada", "notice")["view"]))
        self.assertIn("Bo Tanaka", self.opened_by(name))
        self.assertEqual(self.connections(), before)
        self.assertEqual(self.rotations()["Renewed"], rotation)
        self.w.control("group", handle="renewed-oncall", people=["otto"])
        self.w.until("the group is repaired", lambda: self.w.members("renewed-oncall") == ["U0ADA"], 60)
        self.w.cli("rotation", "delete", "Renewed", "--yes")

    def test_a_wrong_account_is_forgotten(self):
        before = self.connections()
        browser = Browser(self.w)
        browser.ask("GET", browser.decide(browser.begin(self.link()), person="bo"))
        self.assertIn("Bo Tanaka", self.account_question())
        self.w.click("ada", "account_refuse")
        self.w.until("the word", lambda: "The tokens are deleted here" in texts(self.w.modal("ada")["view"]), 10)
        self.nothing_waits(before)

    def test_refused_at_pagerduty(self):
        before = self.connections()
        browser = Browser(self.w)
        answer, text = browser.ask("GET", browser.decide(browser.begin(self.link()), decision="deny"))
        self.assertEqual(answer.status, 200)
        self.assertIn("Nothing was connected", text)
        self.nothing_waits(before)

    def test_a_forwarded_link_captures_nobodys_account(self):
        """Another browser than the one that began, with the address that PagerDuty led back to."""
        before = self.connections()
        browser, other = Browser(self.w), Browser(self.w)
        back = browser.decide(browser.begin(self.link()), person="bo")
        answer, text = other.ask("GET", back)
        self.assertEqual(answer.status, 403, text)
        self.assertIn("Wrong browser", text)
        # And whoever opens a forwarded link is told for whom it is; only the asker is shown the account.
        browser.begin(self.link())
        self.w.control("act", person="bo", view="home", block_id="x", action_id="account_look", value="pagerduty-2",
                       forged=True)
        self.assertIn("You may not change connections", texts(self.w.wait_modal("bo", "notice")["view"]))
        self.nothing_waits(before)

    def test_an_expired_code_and_missing_scopes_are_told_plainly(self):
        before = self.connections()
        self.w.control("pagerduty", code_seconds=0)
        browser = Browser(self.w)
        answer, text = browser.ask("GET", browser.decide(browser.begin(self.link())))
        self.assertIn(answer.status, (410, 502))
        self.assertIn("PagerDuty was not connected", text)
        self.w.control("pagerduty", code_seconds=30, withheld_scopes=["users.read"])
        browser = Browser(self.w)
        answer, text = browser.ask("GET", browser.decide(browser.begin(self.link())))
        self.assertNotEqual(answer.status, 200)
        self.assertIn("users.read", text)
        self.nothing_waits(before)

    def test_an_account_in_europe(self):
        self.w.control("pagerduty", region="eu")
        name = self.connect_in_browser()
        made = next(c for c in self.w.json("connection", "list") if c["name"] == name)
        self.assertEqual(made["settings"]["region"], "eu")

    def test_unknown_pages_say_nothing_and_no_secret_is_logged(self):
        browser = Browser(self.w)
        back = browser.decide(browser.begin(self.link()))
        browser.ask("GET", back)
        for path in ("/oauth/other", "/oauth/", "/slack/other", "/admin", "/"):
            answer, text = browser.ask("GET", PUBLIC + path)
            self.assertEqual((answer.status, text), (404, ""), path)
        answer, _ = browser.ask("GET", f"{PUBLIC}/oauth/start?ticket=nonsense&next=https://evil.example")
        self.assertEqual(answer.status, 410)
        self.assertIsNone(answer.getheader("Location"))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
        self.w.log.flush()
        with open(self.w.log.name, encoding="utf-8") as file:
            log = file.read()
        for secret in (query["code"], query["state"], browser.cookie.split("=")[1]):
            self.assertNotIn(secret, log)
