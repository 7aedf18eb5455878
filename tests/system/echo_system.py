#!/usr/bin/env python3
"""Systems that repeat our credentials in whatever they answer: nothing that is written or shown has them.

usage: echo_system.py BIN_DIR
"""
import base64
import glob
import html
import http.server
import os
import signal
import sys
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from world import World

BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""


def json_escapes(text):
    return "".join(f"\\u{ord(c):04x}" for c in text)


# How a credential is repeated: (status, headers, body) for what the request carried.
SHAPES = {
    "as it is": lambda key: (401, {}, '{"error":{"message":"Invalid key %s","errors":["%s"]},"message":"%s"}' % (key, key, key)),
    "escaped": lambda key: (400, {}, '{"error":{"message":"no %s"},"message":"no %s"}' % ((json_escapes(key),) * 2)),
    "base64": lambda key: (403, {}, '{"message":"%s"}' % base64.b64encode(b"key " + key.encode() + b" refused").decode()),
    "percent": lambda key: (400, {}, '{"message":"?key=%s"}' % urllib.parse.quote(key, safe="")),
    "in headers": lambda key: (401, {"WWW-Authenticate": f"Token {key}", "Content-Type": f"text/{key}"}, "<html>"),
    "html": lambda key: (503, {"Content-Type": "text/html"}, f"<p>Authorization: {html.escape(key)}</p>"),
    "less its end": lambda key: (401, {}, '{"error":{"message":"no %s."},"message":"no %s."}' % ((key[:-1],) * 2)),
    "hexadecimal": lambda key: (400, {}, '{"message":"%s"}' % key.encode().hex()),
    "cut": lambda key: (400, {}, '{"error":{"message":"%s%s"},"message":"%s%s"}' % ("x" * 190, key, "x" * 190, key)),
    "no JSON": lambda key: (200, {"Content-Type": f"text/plain; {key}"}, key),
    # As the name of everything: a good answer, in which "Ada" is the credential.
    "names": None,
}


class Echo:
    """In front of one of the sandbox's servers: passes everything on, or repeats what it was sent."""

    def __init__(self, target):
        self.shape, self.repeated = None, 0
        echo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = self.headers.get("Authorization", "")
                key = sent.split(" ", 1)[-1].removeprefix("token=")
                shape = echo.shape
                if shape and shape != "names":
                    echo.repeated += 1
                    return self.answer(*SHAPES[shape](key))
                status, headers, content = echo.ask(self, target, body)
                if shape:
                    content = content.replace(b"Ada", key.encode())
                    echo.repeated += 1
                self.answer(status, headers, content)

            def answer(self, status, headers, content):
                content = content.encode() if isinstance(content, str) else content
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = handle_one

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def ask(handler, target, body):
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")}
        request = urllib.request.Request(target + handler.path, body or None, headers, method=handler.command)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, {}, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, {}, error.read()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Echoes(unittest.TestCase):
    def setUp(self):
        self.world = World(BIN, poll="1s", extra="log: {level: debug}\n", listen="127.0.0.1:0")
        self.addCleanup(self.world.close)
        self.world.control("reset", empty=True)
        self.world.control("rate", off=True)
        self.world.control("person", key="ada", name="Ada Example", email="ada@example.com")
        self.world.control("channel", name="payments", bot=True)
        ready = self.world.ready
        self.echoes = []
        for name in ("pagerduty", "opsgenie", "jsm", "xmatters"):
            self.world.control("schedule", system=name, id=f"P{name.upper()}", name=f"Ada {name}", people=["ada"],
                               shift_seconds=86400, start=-60,
                               **({"kind": "layer", "escalation_policies": 1} if name == "pagerduty" else {}))
            ready[name] = self.in_front_of(ready[name])
        slack = self.in_front_of(ready["slack_api"].removesuffix("/api/"))
        with open(self.world.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.world.config, "w", encoding="utf-8") as file:
            file.write(text.replace(ready["slack_api"], slack + "/api/"))

    def in_front_of(self, target):
        echo = Echo(target)
        self.addCleanup(echo.close)
        self.echoes.append(echo)
        return echo.url

    def shapes_of(self, secret):
        """What must be nowhere; in base64 as much as surely belongs to the credential."""
        raw = secret.encode()
        inside = [base64.b64encode(b"\0" * n + raw).decode()[(n * 8 + 5) // 6:(n + len(raw)) * 8 // 6] for n in range(3)]
        return [secret, urllib.parse.quote(secret, safe=""), html.escape(secret), raw.hex(), json_escapes(secret),
                secret[:10], *inside]

    def test_what_systems_repeat_is_written_and_shown_nowhere(self):
        world = self.world
        world.connect()
        world.connect_jsm()
        for name in ("pagerduty", "opsgenie", "jsm", "xmatters"):
            world.cli("rotation", "create", name, "--group", f"@{name}-oncall", "--create-group", "--schedule",
                      f"{name}/P{name.upper()}", "--channel", "#payments", "--yes")
        world.start()
        world.until("in sync", lambda: all(r["state"] == "in_sync" for r in world.json("status")["rotations"]))
        shown = []
        for shape in SHAPES:
            for echo in self.echoes:
                echo.shape, echo.repeated = shape, 0
            world.until(f"everybody has repeated {shape}", lambda: all(e.repeated >= 2 for e in self.echoes))
            shown += [world.cli(*command, check=False) for command in (
                ("status",), ("status", "--format", "json"), ("doctor",), ("connection", "list"), ("who",),
                ("connection", "test", "pagerduty"), ("schedule", "list"), ("people", "list"), ("history",))]
        world.kill(signal.SIGTERM)
        world.log.flush()
        with open(world.log.name, encoding="utf-8") as file:
            shown.append(file.read())
        written = []
        for name in glob.glob(os.path.join(os.path.dirname(world.store), "*")):
            if os.path.isfile(name) and not name.endswith("key"):
                with open(name, "rb") as file:
                    written.append(file.read())
        keys = world.ready["keys"]
        # Whose token it is, and where, is no secret.
        open_ones = ("jsm_email", "jsm_site", "jsm_cloud_id")
        secrets = [s for name, s in keys.items() if s and name not in open_ones] + [world.ready["tokens"]["bot"]]
        for user, password in ((keys["xmatters_key"], keys["xmatters_secret"]), (keys["jsm_email"], keys["jsm_token"])):
            secrets.append(base64.b64encode(f"{user}:{password}".encode()).decode())
        self.assertGreater(sum(len(text) for text in shown), 10000)
        hits = [(secret, shape) for secret in secrets if len(secret) >= 8 for shape in self.shapes_of(secret)
                if any(shape in text for text in shown) or any(shape.encode() in text for text in written)]
        self.assertEqual(hits, [])
        print(f"{len(SHAPES)} shapes, {len(self.echoes)} systems, {len(secrets)} credentials: {len(hits)} hits")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
