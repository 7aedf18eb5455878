"""The status page of a real daemon: off unless configured, on after a reload, and for those on this host alone.

usage: status_page_system.py BIN_DIR
"""

import signal
import socket
import sys
import urllib.error
import urllib.request

from world import World


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def ask(address, path="/", method="GET", **headers):
    request = urllib.request.Request(f"http://{address}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, dict(refused.headers), refused.read().decode()
    except OSError:
        return 0, {}, ""


def main():
    address = free_address()
    world = World(sys.argv[1], poll="1s", rate_scale=1000, listen=address)
    try:
        world.control("rate", scale=1000)
        world.connect()
        schedule = next(s["ref"] for s in world.json("schedule", "list") if s["ref"].startswith("pagerduty/"))
        world.cli("rotation", "create", "Payments <EU>", "--group", "@status-oncall", "--create-group", "--schedule", schedule)
        world.start()
        world.until("the daemon listens", lambda: ask(address, "/healthz")[0] == 200)
        assert ask(address)[0] == 404, "it is off unless configured"

        with open(world.config, "a", encoding="utf-8") as file:
            file.write("status_page: true\n")
        world.daemon.send_signal(signal.SIGHUP)
        world.until("the page", lambda: ask(address)[0] == 200)
        world.until("all is well", lambda: "All is well." in ask(address)[2])
        _, headers, page = ask(address)
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Payments &lt;EU&gt;" in page and "@status-oncall" in page and "<EU>" not in page, page
        assert "<script" not in page

        # Somebody else's name for this address: his page must not read ours.
        assert ask(address, Host="evil.example")[0] == 421
        assert ask(address, method="POST")[0] == 405
        assert ask(address, method="HEAD")[2] == ""
        # What breaks is on it.
        world.control("fault", system="pagerduty", kind="401")
        world.until("the broken connection", lambda: "refuses the credentials" in ask(address)[2])
    finally:
        world.close()
    print("ok")


main()
