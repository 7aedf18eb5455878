"""The Slack app as people use it: the real daemon, the sandbox as Slack, one transport. Standard library only."""

import json
import os
import socket

from world import World

SCENARIO = """
people:
  - {key: ada, name: Ada Lindqvist, email: ada@example.com, slack: {admin: true}}
  - {key: bo, name: Bo Tanaka, email: bo@example.com}
  - {key: cleo, name: Cleo Martins, email: cleo@example.com}
  - {key: dan, name: Dan Dee, email: dan@example.com}
  - {key: guest, name: Gus Guest, email: gus@example.com, slack: {guest: multi}}
  - {key: kim, name: Kim Ode, email: kim@work.example.com, slack: false}
  - {key: kims, name: Kim in Slack, email: kim@home.example.com, pagerduty: false, opsgenie: false, xmatters: false}
  - {key: otto, name: Otto Outsider, email: otto@example.com, pagerduty: false, opsgenie: false, xmatters: false}
channels:
  - {name: payments, bot: true, people: [ada, bo, cleo]}
  - {name: general, bot: true, people: [ada, bo, cleo]}
  - {name: secret, private: true, bot: false, people: [ada]}
groups:
  - {handle: payments-oncall, name: Payments on-call, people: [otto], default_channels: [general], by: bo}
  - {handle: search-oncall, name: Search on-call, people: [bo]}
  - {handle: database-oncall, name: Database on-call, people: [otto]}
  - {handle: taken-oncall, name: Taken on-call, people: [ada]}
  - {handle: bosses, name: Bosses, people: [otto], auto_type: admin}
schedules:
  - {system: pagerduty, id: PSCHED1, name: Payments primary, kind: layer, escalation_policies: 2,
     people: [ada, bo], shift_seconds: 86400, start: -60}
  - {system: pagerduty, id: PSEARCH, name: Search primary, kind: layer, escalation_policies: 2,
     people: [bo, cleo], shift_seconds: 86400, start: -60}
  - {system: pagerduty, id: PKIM, name: Kim only, kind: layer, escalation_policies: 1,
     people: [kim], shift_seconds: 86400, start: -60}
  - {system: opsgenie, id: d875e654-9b4e-4219-a803-0c26936870de, name: Platform,
     people: [cleo], shift_seconds: 86400, start: -60}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class AppWorld(World):
    """A daemon whose Slack app is reached by `transport` ("socket" or "http")."""

    def __init__(self, bin_dir, transport, scenario_text=SCENARIO, extra="", slack_extra="", poll="2s",
                 **more):
        self.transport = transport
        self.port = free_port()
        folder_file = f"/tmp/watchbill-app-{os.getpid()}-{self.port}.yaml"
        with open(folder_file, "w", encoding="utf-8") as file:
            file.write(scenario_text)
        try:
            super().__init__(bin_dir, poll=poll, scenario=folder_file, extra=extra, slack_extra=slack_extra,
                             **more)
        finally:
            os.unlink(folder_file)
        self.control("rate", scale=1000)
        with open(self.config, encoding="utf-8") as file:
            text = file.read().replace("listen: null", f"listen: 127.0.0.1:{self.port}")
        secret = {"socket": ("app_token_file", "app"), "http": ("signing_secret_file", "signing_secret")}[transport]
        path = os.path.join(self.folder, secret[1])
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(self.ready["tokens"][secret[1]])
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text + f"  mode: {transport}\n  {secret[0]}: {path}\n")
        if transport == "http":
            # Signed ahead: what was signed before the daemon's start is refused, and tests do not wait for it to pass.
            self.control("transport", mode="http", url=f"http://127.0.0.1:{self.port}/slack/events", skew_seconds=10)
        self.address = f"http://127.0.0.1:{self.port}"

    def make_teams(self, count, people, rotation=""):
        """`count` rotations "Team 000" of groups and schedules of their own; `rotation`: what else each says."""
        self.control("bulk", groups=count, people=people, schedules={"pagerduty": count, "opsgenie": 0, "xmatters": 0},
                     people_per_schedule=2, shift_seconds=86400, channels=1)
        self.cli("connection", "add", "pagerduty", "pd", "--api-key-file", self.files["pagerduty"], "--base-url",
                 self.ready["pagerduty"])
        path = os.path.join(self.folder, "teams.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version: 1\nrotations:\n")
            for i in range(count):
                file.write(f"  - {{name: 'Team {i:03}', group: {{handle: g{i:04}}}, schedules: [pd/P{i:04}]{rotation}}}\n")
        self.cli("apply", "-f", path, "--yes", "--adopt")

    def start(self, *arguments, **options):
        process = super().start(*arguments, **options)
        if self.transport == "socket":
            self.until("the app is connected",
                       lambda: [c for c in self.control("socket")["connections"] if not c["leaving"]], 20)
        else:
            self.until("the app listens", self.listens, 20)
        return process

    def kill_and_start(self):
        self.kill()
        self.start()

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def connect_in_use(self):
        """PagerDuty and Opsgenie are connected, and the addresses of the forms are the sandbox's."""
        r = self.ready
        self.cli("connection", "add", "pagerduty", "pagerduty", "--api-key-file", self.files["pagerduty"], "--base-url",
                 r["pagerduty"])
        self.cli("connection", "add", "opsgenie", "opsgenie", "--api-key-file", self.files["opsgenie"], "--base-url",
                 r["opsgenie"])
        with open(self.config, encoding="utf-8") as file:
            text = file.read().replace("xmatters: {", f"xmatters: {{api_url: '{r['xmatters']}', ")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text + f"opsgenie: {{api_url: '{r['opsgenie']}'}}\njsm: {{api_url: '{r['jsm']}'}}\n")

    # What a person sees and does.

    def home(self, person):
        return self.control("home", person=person)["home"]

    def open_home(self, person):
        """Enters the home tab and waits until the app has published it."""
        before = self.control("wait", person=person, seconds=0)["revision"]
        answer = self.control("open_home", person=person)
        assert answer.get("acked", True), answer
        self.until("a home tab", lambda: self.control("wait", person=person, since=before, seconds=1)["changed"]
                   or self.home(person), 10)
        return self.home(person)

    def modal(self, person):
        """The modal on top; None if none is open."""
        modals = self.control("modals", person=person)["modals"]
        return modals[-1] if modals else None

    def click(self, person, action_id, value=None, view=None, **fields):
        """Clicks (or chooses) the element of that action id, wherever it stands."""
        shown = self.home(person) if view == "home" or not self.modal(person) else self.modal(person)
        block, element = find_element(shown["view"], action_id, value)
        if block is None:
            raise AssertionError(f"{person} has no {action_id} {value}: {texts(shown['view'])}")
        if element["type"] != "button" and value is not None:
            fields["value"] = value
        answer = self.control("act", person=person, view="home" if view == "home" else shown["view"]["id"],
                              block_id=block["block_id"], action_id=action_id, **fields)
        assert answer["sent"] and answer["acked"], answer
        return answer

    def wait_modal(self, person, callback, seconds=15):
        """Waits for a modal of that callback id on top and returns it."""
        return self.until(f"a modal {callback}", lambda: (lambda m: m if m and m["view"]["callback_id"] == callback and
                                                          not m["loading"] else None)(self.modal(person)), seconds)

    def fill(self, person, field, value=None, values=None, query=None):
        """Types or chooses into the field of the modal on top; external menus are searched first."""
        view = self.modal(person)["view"]
        block = field_block(view, field)
        place = {"person": person, "view": view["id"], "block_id": block["block_id"], "action_id": "typed"}
        if query is not None:
            self.control("suggest", value=query, **place)
        what = {"values": values} if values is not None else {"value": value}
        answer = self.control("act" if block.get("dispatch_action") else "fill", **place, **what)
        assert answer.get("acked", True), answer
        return answer

    def submit(self, person):
        view = self.modal(person)["view"]
        return self.control("submit", person=person, view=view["id"])

    def close_modals(self, person):
        while self.modal(person):
            self.control("close", person=person, view=self.modal(person)["view"]["id"], all=True)

    def command(self, person, text="", channel="general"):
        answer = self.control("command", person=person, channel=channel, command="/oncall", text=text, escape=True,
                              seconds=0)
        assert answer.get("acked", True), answer
        return "\n".join(message["text"] for message in answer["messages"]), answer

    def members(self, handle):
        groups = self.control("state", only=["groups"])["groups"]
        return next((sorted(g["users"]) for g in groups if g["handle"] == handle), None)


def texts(view):
    """Everything that can be read in a view, one text a line."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("text"), str) and node.get("type") in ("plain_text", "mrkdwn"):
                found.append(node["text"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(view.get("blocks", []))
    return "\n".join(found)


def elements(block):
    yield from block.get("elements", [])
    for name in ("element", "accessory"):
        if name in block:
            yield block[name]


def find_element(view, action_id, value=None):
    """The block and element of an action id; of several (overflow menus) the one that offers `value`."""
    for block in view["blocks"]:
        for element in elements(block):
            if element.get("action_id") != action_id:
                continue
            offered = [option["value"] for option in element.get("options", [])]
            if value is None or value in offered or element.get("value") == value or \
                    element["type"] not in ("overflow", "button"):
                return block, element
    return None, None


def field_block(view, field):
    for block in view["blocks"]:
        if block["block_id"].split("~")[0] == field:
            return block
    raise AssertionError(f"no field {field} in {[b['block_id'] for b in view['blocks']]}")
