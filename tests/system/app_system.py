#!/usr/bin/env python3
"""The Slack app with real processes, over both transports: what people rely on when they click.

usage: app_system.py BIN_DIR [SUITE:TRANSPORT [unittest arguments]]     without a suite: all of them

Each suite has a world of its own, so they run side by side: they wait more than they work.
"""

import os
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from app_connect_flows import ConnectFlows  # noqa: E402
from app_edit_flows import EditFlows  # noqa: E402
from app_events import EventsSeen  # noqa: E402
from app_home_flows import HomeFlows  # noqa: E402
from app_many import ManyRotations  # noqa: E402
from app_no_forms import NoCredentialForms  # noqa: E402
from app_oauth import OAuthInBrowser  # noqa: E402
from app_storm import Storm  # noqa: E402

TRANSPORTS = ("socket", "http")
# The long ones first.
SUITES = {suite.__name__: suite for suite in
          (HomeFlows, EditFlows, ConnectFlows, EventsSeen, ManyRotations, OAuthInBrowser, NoCredentialForms)}
# They keep the machine busy: one after the other, and alone.
BUSY = {suite.__name__: suite for suite in (Storm,)}


def run_one(bin_dir, job, arguments):
    """One suite over one transport, in this process."""
    name, transport = job.split(":")
    suite = {**SUITES, **BUSY}[name]
    case = type(f"{name}Over{transport.capitalize()}", (suite, unittest.TestCase),
                {"transport": transport, "bin_dir": bin_dir, "__module__": "__main__"})
    globals()[case.__name__] = case
    unittest.main(argv=[sys.argv[0], "-v", *(arguments or [case.__name__])])


def run_process(bin_dir, job):
    done = subprocess.run([sys.executable, os.path.abspath(__file__), bin_dir, job], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    print(f"== {job}\n{done.stdout}", flush=True)
    return done.returncode


def main():
    bin_dir = os.path.abspath(sys.argv[1])
    if len(sys.argv) > 2:
        run_one(bin_dir, sys.argv[2], sys.argv[3:])
        return 0
    jobs = [f"{name}:{transport}" for name in SUITES for transport in TRANSPORTS]
    with ThreadPoolExecutor(max_workers=6) as pool:
        failed = sum(1 for code in pool.map(lambda job: run_process(bin_dir, job), jobs) if code != 0)
    for name in BUSY:
        failed += sum(1 for transport in TRANSPORTS if run_process(bin_dir, f"{name}:{transport}") != 0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
