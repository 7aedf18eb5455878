#!/usr/bin/env python3
"""The listener of the real `watchbilld` against clients that want its memory and its places, alone and behind the proxies of
docs/proxy.md.

usage: listener_system.py BIN_DIR [unittest arguments]
"""
import contextlib
import hashlib
import hmac
import http.client
import os
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import unittest
import warnings

from world import World

BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIB = 1 << 20
SLOW = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Case(unittest.TestCase):
    mode = "http"

    def setUp(self):
        self.port = free_port()
        self.world = World(BIN, poll="60s", rate_scale=1000, listen=f"127.0.0.1:{self.port}")
        self.addCleanup(self.world.close)
        self.secret = self.world.ready["tokens"]["signing_secret"]
        if self.mode == "http":
            path = os.path.join(self.world.folder, "signing-secret")
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(self.secret)
            with open(self.world.config, "a", encoding="utf-8") as file:
                file.write(f"  mode: http\n  signing_secret_file: {path}\n")

    def start(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        # As a service has it by default: fewer places than there are slow clients here.
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        self.world.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        self.world.until("the daemon listens", lambda: listens(self.port))

    def connect(self, port=None, context=None):
        plain = socket.create_connection(("127.0.0.1", port or self.port), timeout=10)
        self.addCleanup(plain.close)
        if not context:
            return plain
        wrapped = context.wrap_socket(plain, server_hostname="localhost")
        self.addCleanup(wrapped.close)
        return wrapped

    def signed(self, number, port=None, context=None, ahead=10):
        """The status of a signed request of Slack's; 0 if there was none within its three seconds."""
        body = '{"type":"event_callback","event_id":"Ev%d","event":{"type":"app_uninstalled"}}' % number
        at = str(int(time.time()) + ahead)  # what was signed before the start is refused
        mac = hmac.new(self.secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        made = (http.client.HTTPSConnection("localhost", port, timeout=3, context=context) if context else
                http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=3))
        with contextlib.closing(made) as connection:
            try:
                connection.request("POST", "/slack/events", body, {"Content-Type": "application/json",
                                   "X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={mac}"})
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0

    def get(self, path):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def high_water(self):
        with open(f"/proc/{self.world.daemon.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024

    def hold_bodies(self, path, head="", count=256, size=MIB):
        """`count` requests that send all of their bodies but the last byte, and then nothing."""
        start = (f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Type: application/x-www-form-urlencoded\r\n"
                 f"Content-Length: {size}\r\n\r\n").encode()
        body = (b"ssl_check=2&" + b"a&" * size)[:size - 1]

        def send(client):
            with contextlib.suppress(OSError):
                client.settimeout(2)
                client.sendall(start + body)

        clients = [self.connect() for _ in range(count)]
        for begin in range(0, count, 16):
            threads = [threading.Thread(target=send, args=(client,)) for client in clients[begin:begin + 16]]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return clients


class Memory(Case):
    def test_256_held_bodies_cost_no_handoff_and_little_memory(self):
        self.world.control("reset", empty=True)
        self.world.control("rate", off=True)
        for key in ("ada", "bo"):
            self.world.control("person", key=key, name=key.capitalize(), email=f"{key}@example.com")
        self.world.control("channel", name="payments", bot=True)
        self.world.control("group", handle="payments", people=["bo"])
        self.world.control("schedule", system="pagerduty", id="P1", name="Payments", kind="layer", escalation_policies=1,
                           people=["ada", "bo"], shift_seconds=4, start=-2)
        self.world.connect()
        self.world.cli("rotation", "create", "payments", "--group", "@payments", "--adopt", "--yes", "--schedule", "pagerduty/P1",
                       "--no-announce")
        self.start()
        counts = lambda: [int(n) for n in re.findall(r'handoff_lag_seconds_bucket\{le="(?:1|\+Inf)"\} (\d+)', self.get("/metrics")[1])]
        self.world.until("the first handoff", lambda: (counts() or [0])[-1] > 0)
        before = counts()
        began_at = self.high_water()
        for path in ("/slack/events", "/slack/other"):
            self.hold_bodies(path)
        took = []
        while len(took) < 20 or counts()[-1] < before[-1] + 2:
            began = time.monotonic()
            self.assertEqual(self.get("/healthz")[0], 200)
            took.append(time.monotonic() - began)
            time.sleep(0.05)
        within, handoffs = counts()
        self.assertEqual(within - before[0], handoffs - before[1], "handoffs were late")
        self.assertEqual([self.signed(i) for i in range(8)], [200] * 8)
        print(f"256 held bodies, twice: VmHWM {began_at:.0f} to {self.high_water():.0f} MB, /healthz {1000 * statistics.median(took):.1f} ms (median) "
              f"{1000 * max(took):.0f} ms (longest), {handoffs - before[1]} handoffs within 1 s", flush=True)
        self.assertLess(self.high_water(), 96)
        self.assertLess(statistics.median(took), 0.1)

    def test_what_nobody_signed_is_not_decoded(self):
        self.start()
        before = self.high_water()
        form = b"ssl_check=1&" + b"a&" * (MIB // 2 - 12)
        for signature in ("", "X-Slack-Signature: v0=0\r\n"):
            client = self.connect()
            client.sendall(f"POST /slack/commands HTTP/1.1\r\nHost: x\r\n{signature}Connection: close\r\nContent-Type: "
                           f"application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n".encode() + form)
            self.assertIn(b" 200 ", client.recv(100))
        self.assertLess(self.high_water() - before, 8)


class SocketMode(Case):
    mode = "socket"

    def test_bodies_that_nobody_expects_are_not_read(self):
        self.start()
        before = self.high_water()
        clients = self.hold_bodies("/slack/events") + self.hold_bodies("/", head="Expect: 100-continue\r\n", count=64)
        self.assertLess(self.high_water() - before, 24)
        self.assertTrue(clients[-1].recv(100).startswith(b"HTTP/1.1 404 "))
        self.assertEqual(self.get("/healthz")[0], 200)


class Places(Case):
    """300 clients that do not finish their requests; then eight requests of Slack's."""

    def certificate(self):
        folder = self.world.folder
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt"],
                       check=True, capture_output=True)
        self.context = ssl.create_default_context(cafile=f"{folder}/tls.crt")
        return f"{folder}/tls.crt", f"{folder}/tls.key"

    def example(self, title):
        with open(os.path.join(ROOT, "docs", "proxy.md"), encoding="utf-8") as file:
            found = re.search(rf"^## {title}\n.*?^```\w*\n(.*?)^```$", file.read(), re.S | re.M)
        return found.group(1).replace("127.0.0.1:9469", f"127.0.0.1:{self.port}")

    def proxy(self, command, port, **options):
        log = open(os.path.join(self.world.folder, "proxy.log"), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(command, stdout=log, stderr=log, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self.world.until("the proxy listens", lambda: listens(port))

    def caddy(self, text):
        certificate, key = self.certificate()
        port = free_port()
        text = text.replace("watchbill.example.com {", f"https://localhost:{port} {{\n\ttls {certificate} {key}")
        path = os.path.join(self.world.folder, "Caddyfile")
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"\A\{\n", "{\n\tadmin off\n\tauto_https disable_redirects\n", text))
        home = {"HOME": self.world.folder, "XDG_DATA_HOME": self.world.folder, "XDG_CONFIG_HOME": self.world.folder}
        self.proxy(["caddy", "run", "--config", path, "--adapter", "caddyfile"], port, env={**os.environ, **home})
        return port

    def nginx(self, text):
        certificate, key = self.certificate()
        port = free_port()
        folder = self.world.folder
        text = re.sub(r"(ssl_certificate +).*?;", rf"\g<1>{certificate};", text)
        text = re.sub(r"(ssl_certificate_key +).*?;", rf"\g<1>{key};", text)
        text = text.replace("listen 443 ", f"listen 127.0.0.1:{port} ").replace("watchbill.example.com", "localhost")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            user = "user root;\n" if os.getuid() == 0 else ""
            file.write(f"daemon off;\n{user}pid {folder}/nginx.pid;\nerror_log stderr;\n"
                       f"events {{ worker_connections 768; }}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n")
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.proxy([nginx, "-c", path, "-p", folder], port)
        return port

    def crowd(self, port, context, every):
        """Each has sent something; every `every`-th does not end its body, the others their headers."""
        clients = [self.connect(port, context) for _ in range(SLOW)]
        for number, client in enumerate(clients):
            body = "Content-Length: 60000\r\nContent-Type: application/json\r\n\r\n{" if number % every == 0 else "X-Slow: "
            with contextlib.suppress(OSError):
                client.sendall(f"POST /slack/events HTTP/1.1\r\nHost: localhost\r\n{body}".encode())
        return clients

    def check(self, port=None, context=None, every=2):
        self.crowd(port, context, every)
        self.assertEqual([self.signed(i, port, context) for i in range(8)], [200] * 8)
        began = time.monotonic()
        self.assertEqual(self.get("/healthz")[0], 200)
        print(f"{self.id().rsplit('.', 1)[1]}: 8 of 8, /healthz {1000 * (time.monotonic() - began):.0f} ms", flush=True)

    def refuses_old_tls(self, port):
        def shakes_hands(version, ciphers):
            context = ssl.create_default_context(cafile=f"{self.world.folder}/tls.crt")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it is old is the point
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = version
            context.set_ciphers(ciphers + ":@SECLEVEL=0")
            try:
                self.connect(port, context)
                return True
            except (ssl.SSLError, ConnectionError):
                return False

        self.assertTrue(shakes_hands(ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM"))
        self.assertFalse(shakes_hands(ssl.TLSVersion.TLSv1_1, "ALL"))
        self.assertFalse(shakes_hands(ssl.TLSVersion.TLSv1_2, "kRSA"))

    def test_slow_clients_alone_shut_nobody_out(self):
        self.start()
        self.check()

    def test_slow_clients_behind_a_proxy_that_waits_for_nothing_shut_nobody_out(self):
        self.start()
        port = self.caddy("{\n}\nwatchbill.example.com {\n\treverse_proxy 127.0.0.1:%d\n}\n" % self.port)
        # Headers wait in every proxy.
        self.check(port, self.context, every=1)

    def test_slow_clients_behind_the_documented_caddy_shut_nobody_out(self):
        self.start()
        port = self.caddy(self.example("Caddy"))
        self.check(port, self.context)
        self.refuses_old_tls(port)

    def test_slow_clients_behind_the_documented_nginx_shut_nobody_out(self):
        self.start()
        port = self.nginx(self.example("nginx"))
        self.check(port, self.context)
        self.refuses_old_tls(port)


class Restart(Case):
    def test_a_request_that_was_recorded_is_refused_after_a_restart(self):
        self.start()
        self.world.until("Slack's requests are taken", lambda: self.signed(1, ahead=0) == 200)
        self.world.kill()
        self.start()
        self.assertEqual(self.signed(1, ahead=0), 503)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
