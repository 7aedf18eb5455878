#!/usr/bin/env python3
"""The real `watchbill` against the sandbox's servers: connections to scheduling systems, and their schedules.

usage: cli_connections_system.py BIN_DIR [unittest arguments]
"""
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from cli_world import BIN, PLATFORM, Case, NoRedirect, write_private, main


class Connections(Case):
    def test_a_key_in_the_place_of_something_else_is_not_repeated(self):
        key = "xoxb-000000000000-NotARealOne1"
        for args in (("pagerduty", key), (key, "pd"), ("pagerduty", "pd", "--region", key),
                     ("pagerduty", "pd", "--subdomain", key), ("pagerduty", "pd", "--base-url", key),
                     ("pagerduty", "pd", "--api-key-file", key), ("pagerduty", "pd", f"--{key}")):
            with self.subTest(args):
                done = self.run_any("connection", "add", *args)
                self.assertNotEqual(done.returncode, 0)
                self.assertNotIn("NotARealOne", done.stdout + done.stderr)

    def test_good_credentials_are_saved_sealed(self):
        ready = self.sandbox.ready
        added = self.json("connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key", "--base-url",
                          ready["pagerduty"])
        self.assertEqual((added["name"], added["kind"], added["verified"]), ("pd", "pagerduty", True))
        self.ok("connection", "add", "opsgenie", "og", "--api-key-file", "-", "--base-url", ready["opsgenie"],
                stdin=ready["keys"]["opsgenie"] + "\n")
        self.ok("connection", "add", "xmatters", "xm", "--host", "https://www.acme.xmatters.com/", "--api-key-file",
                "xm.key", "--api-secret-file", "xm.secret", "--base-url", ready["xmatters"])
        listed = self.json("connection", "list")
        self.assertEqual([(c["name"], c["kind"], c["secrets"]) for c in listed],
                         [("og", "opsgenie", ["api_key"]), ("pd", "pagerduty", ["api_key"]),
                          ("xm", "xmatters", ["api_key", "api_secret"])])
        self.assertEqual(listed[2]["settings"]["host"], "acme.xmatters.com")
        self.ok("connection", "list")
        self.ok("connection", "test", "xm")
        for name in os.listdir(self.path("store")):
            with open(self.path("store/" + name), "rb") as file:
                content = file.read()
            for secret in self.secrets:
                self.assertNotIn(secret.encode(), content, name)

    def configure_oauth(self):
        ready = self.sandbox.ready
        write_private(self.path("app.secret"), ready["keys"]["pagerduty_client_secret"])
        with open(self.path("watchbill.yaml"), "a") as file:
            file.write(f"pagerduty:\n  oauth_client_id: {ready['keys']['pagerduty_client_id']}\n"
                       f"  oauth_client_secret_file: {self.path('app.secret')}\n"
                       f"  identity_url: {ready['identity']}\n  api_url: {ready['pagerduty']}\n")

    def sign_in(self, *args, decision="accept", before=None, change=lambda url: url):
        """Runs a command with --oauth, and is the browser: (exit code, standard output, error, last page)."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WATCHBILL_")}
        environment["WATCHBILL_CONFIG"] = self.path("watchbill.yaml")
        process = subprocess.Popen([os.path.join(BIN, "watchbill"), *args, "--oauth", "--port", "0"], env=environment,
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = ""
        while "Waiting for" not in said:
            line = process.stderr.readline()
            self.assertTrue(line, said)
            said += line
        self.assertRegex(said, r"ssh -L (\d+):127\.0\.0\.1:\1 ")
        url = next(line.strip() for line in said.splitlines() if "/oauth/authorize?" in line)
        callback = urllib.parse.parse_qs(urllib.parse.urlparse(url).query)["redirect_uri"][0]
        if before:
            before(callback)
        page = urllib.request.urlopen(url, timeout=10).read().decode()
        form = {"request": re.search(r'name="request" value="([^"]+)"', page)[1], "person": "ada",
                "decision": decision}
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(self.sandbox.ready["identity"] + "/oauth/consent",
                        urllib.parse.urlencode(form).encode(), timeout=10)
            self.fail("no redirect")
        except urllib.error.HTTPError as error:
            back = change(error.headers["Location"])
        last = urllib.request.urlopen(back, timeout=20).read().decode()
        out, err = process.communicate(timeout=30)
        for secret in self.secrets + [self.sandbox.ready["keys"]["pagerduty_client_secret"]]:
            self.assertNotIn(secret, out + said + err + last)
        return process.returncode, out, said + err, last

    def test_signing_in_with_a_browser_makes_a_connection(self):
        self.configure_oauth()

        def strangers(callback):
            for path in (callback, callback + "?code=x&state=wrong", callback.replace("/callback", "/other")):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(path, timeout=10)
                self.assertIn(refused.exception.code, (400, 404))

        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd", before=strangers)
        self.assertEqual(code, 0, err)
        self.assertIn("connection pd added: it opens", out)
        self.assertIn("Watchbill is connected to", page)
        listed = self.json("connection", "list")
        self.assertEqual([c["name"] for c in listed], ["pd"])
        self.assertEqual(listed[0]["secrets"], ["access_token", "client_secret", "refresh_token"])
        self.assertEqual(listed[0]["settings"]["region"], "us")
        self.ok("connection", "test", "pd")
        self.payments()
        # Signing in again keeps the connection and its rotations.
        code, out, err, page = self.sign_in("connection", "update", "pd")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.json("rotation", "list")), 1)
        self.ok("connection", "test", "pd")
        self.ok("sync")

    def test_signing_in_that_fails_says_why_here_and_in_the_browser_and_saves_nothing(self):
        self.configure_oauth()
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd", decision="deny")
        self.assertEqual(code, 1)
        self.assertIn("access was refused at PagerDuty", err)
        self.assertIn("access was refused at PagerDuty", page)
        self.sandbox.do("pagerduty", withheld_scopes=["users.read"])
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd")
        self.assertEqual(code, 5)
        self.assertIn("lacks the scope users.read", err)
        self.assertIn("lacks the scope users.read", page)
        self.sandbox.do("pagerduty", withheld_scopes=[], code_seconds=0)
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd")
        self.assertEqual(code, 1)
        self.assertIn("30 seconds", err)
        self.assertFalse(os.path.exists(self.store))
        self.sandbox.do("pagerduty", code_seconds=30, region="eu")
        code, out, err, page = self.sign_in("connection", "add", "pagerduty", "pd")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.json("connection", "list")[0]["settings"]["region"], "eu")

    def test_signing_in_needs_a_configured_app_and_a_free_name(self):
        self.fails(3, "connection", "add", "pagerduty", "pd", "--oauth", says="pagerduty.oauth_client_id")
        self.configure_oauth()
        self.connect()
        self.fails(4, "connection", "add", "pagerduty", "pd", "--oauth", says="exists already")
        self.fails(2, "connection", "update", "og", "--oauth", says="only PagerDuty")
        self.fails(2, "connection", "update", "pd", "--oauth", "--region", "eu", says="not with --oauth")
        self.fails(2, "connection", "update", "pd", "--oauth", "--port", "x", says="--port")

    def test_an_oauth_app_of_pagerduty_is_tried_at_its_token_endpoint(self):
        ready = self.sandbox.ready
        write_private(self.path("app.secret"), ready["keys"]["pagerduty_client_secret"])
        self.ok("connection", "add", "pagerduty", "pd", "--client-id", ready["keys"]["pagerduty_client_id"],
                "--client-secret-file", "app.secret", "--subdomain", ready["keys"]["pagerduty_subdomain"],
                "--base-url", ready["pagerduty"], "--identity-url", ready["identity"])
        self.ok("connection", "test", "pd")
        # Back to a key: what the app needed is gone.
        self.ok("connection", "update", "pd", "--api-key-file", "pd.key")
        self.assertEqual(self.json("connection", "list")[0]["secrets"], ["api_key"])

    def test_bad_credentials_are_not_saved(self):
        url = self.sandbox.ready["pagerduty"]
        self.fails(1, "connection", "add", "pagerduty", "pd", "--api-key-file", "bad.key", "--base-url", url,
                   says="nothing was saved")
        self.assertFalse(os.path.exists(self.store))
        self.ok("connection", "add", "pagerduty", "pd", "--api-key-file", "bad.key", "--base-url", url, "--no-verify")
        self.fails(1, "connection", "test", "pd", says="watchbill connection update pd")
        self.ok("connection", "update", "pd", "--api-key-file", "pd.key")
        self.ok("connection", "test", "pd")
        self.fails(1, "connection", "update", "pd", "--api-key-file", "bad.key")
        self.ok("connection", "test", "pd")

    def test_what_cannot_be_right_is_refused_before_anything_is_sent(self):
        self.fails(2, "connection", "add", "pagerduty", "Pd!", "--api-key-file", "pd.key")
        self.fails(2, "connection", "add", "jira", "j", "--api-key-file", "pd.key", says="pagerduty")
        self.fails(2, "connection", "add", "opsgenie", "og", "--host", "x", "--api-key-file", "og.key",
                   says="--host: a connection to Opsgenie has no such option")
        self.fails(2, "connection", "add", "pagerduty", "pd", "--api-key-file", "pd.key", "--base-url",
                   "http://example.com")
        self.fails(3, "connection", "add", "pagerduty", "pd", "--api-key-file", "./nothing.key", says="nothing.key")
        # It may be the key itself.
        refused = self.fails(2, "connection", "add", "pagerduty", "pd", "--api-key-file", "nothing.key", says="not the secret itself")
        self.assertNotIn("nothing.key", refused)
        self.fails(2, "connection", "add", "pagerduty", "pd", "--api-key-file", "-", stdin="", says="is empty")
        self.fails(3, "connection", "list", says="there is no store")

    def test_names_are_taken_once_and_removal_is_refused_while_in_use(self):
        self.connect()
        self.fails(4, "connection", "add", "opsgenie", "pd", "--api-key-file", "og.key", says="connection update pd")
        self.payments()
        self.fails(4, "connection", "remove", "pd", "--yes", says="payments")
        self.fails(2, "connection", "remove", "og", says="--yes")
        self.ok("connection", "remove", "og", "--yes")
        self.fails(3, "connection", "test", "og")

    def test_schedules_are_listed_by_name_and_searched(self):
        self.connect()
        refs = [s["ref"] for s in self.json("schedule", "list")]
        self.assertEqual(refs, ["pd/PKIM", "pd/PSCHED1", PLATFORM])
        self.assertEqual([s["ref"] for s in self.json("schedule", "list", "--search", "PAYMENTS")], ["pd/PSCHED1"])
        self.assertEqual([s["ref"] for s in self.json("schedule", "list", "--connection", "og")], [PLATFORM])
        self.fails(3, "schedule", "list", "--connection", "nope")
        self.sandbox.do("fault", system="opsgenie", kind="500")
        done = self.run_any("schedule", "list", "--format", "json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([s["ref"] for s in json.loads(done.stdout)], ["pd/PKIM", "pd/PSCHED1"])
        self.assertIn("connection og", done.stderr)


if __name__ == "__main__":
    main()
