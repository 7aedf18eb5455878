"""./dev demo: real processes keep three Slack user groups equal to three scheduling systems."""

import argparse
import time

from world import World

ROTATIONS = [("payments", "pagerduty", "PagerDuty"), ("platform", "opsgenie", "Opsgenie"),
             ("database", "xmatters", "xMatters")]


class Show:
    def __init__(self, world):
        self.world = world
        self.began = time.monotonic()
        self.members = {}
        self.messages = {}

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def title(self, text):
        print(f"\n\033[1m{text}\033[0m", flush=True)

    def watch(self, seconds):
        """Prints every change in the workspace for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.world.control("state", only=["groups", "channels"])
            for group in state["groups"]:
                people = ", ".join(group["people"]) + (" (disabled)" if group["disabled"] else "")
                known = self.members.get(group["handle"])
                if known != people:
                    self.say(f"@{group['handle']:<16} {known or '(new)'} -> {people}")
                    self.members[group["handle"]] = people
            for channel in state["channels"]:
                seen = self.messages.get(channel["name"], 0)
                for message in channel["messages"][seen:]:
                    self.say(f"   #{channel['name']}: {message['text'].splitlines()[0]}")
                self.messages[channel["name"]] = len(channel["messages"])
            time.sleep(0.1)

    def verify(self):
        """Every group is who is truly on call: the sandbox's word against the sandbox's Slack."""
        def equal():
            on_call = {s["system"]: sorted(s["slack"]) for s in self.world.control("on_call")["schedules"]}
            groups = {g["handle"]: sorted(g["users"]) for g in self.world.control("state", only=["groups"])["groups"]}
            return all(groups[f"{name}-oncall"] == on_call[system] for name, system, _ in ROTATIONS)
        self.world.until("the groups equal who is on call", equal, 20)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--forever", action="store_true", help="go on until Ctrl-C")
    options = parser.parse_args()
    world = World(options.bin)
    show = Show(world)
    try:
        show.title("A Slack workspace, PagerDuty, Opsgenie and xMatters, all simulated on this machine")
        print(f"Slack {world.ready['slack_api']}  control {world.ready['control']}")
        world.control("rate", scale=60)  # a minute of Slack's limits in a second, as rate_scale says
        world.connect()
        print(world.cli("schedule", "list"))
        schedules = {s["system"]: s["id"] for s in world.control("on_call")["schedules"]}
        for name, system, _ in ROTATIONS:
            world.cli("rotation", "create", name, "--group", f"@{name}-oncall", "--adopt", "--yes", "--schedule",
                      f"{system}/{schedules[system]}", "--channel", f"#{name}")
        show.title("watchbilld starts, takes the groups over and follows the shifts (20 s each)")
        world.start()
        show.watch(25)
        show.verify()
        show.title("Somebody takes an override in PagerDuty that nobody announced (polled every 2 s)")
        world.control("override", system="pagerduty", schedule=schedules["pagerduty"], person="finn", seconds=15)
        show.watch(10)
        show.title("Opsgenie fails. Its handoff still happens on time, along what is known")
        world.control("fault", system="opsgenie", kind="500")
        show.watch(22)
        print(world.cli("status"))
        world.control("clear_faults")
        show.title("kill -9 watchbilld, wait until shifts have changed, start it again")
        world.kill()
        show.watch(20)
        world.start()
        show.watch(12)
        show.verify()
        print()
        print(world.cli("status"))
        print(world.cli("history"))
        while options.forever:
            show.watch(60)
        print("That was Watchbill. The README says how to use it with real accounts.")
    except KeyboardInterrupt:
        print()
    finally:
        world.close()


main()
