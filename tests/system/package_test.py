"""The package as an operator meets it, in a clean root of its Debian: install, run, back up, upgrade, remove, purge.

usage: package_test.py NEW.deb OLD.deb      (./dev package-test)

With systemd as first process of the clean root where this machine can boot one, else what can be tried without. OLD.deb is
installed first and upgraded. If it is of the Debian before, the host is upgraded between the two. Needs root.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

from clean_root import CleanRoot, sources

NEW, OLD = (os.path.abspath(path) for path in sys.argv[1:3])
SUITES = {"deb12": "bookworm", "deb13": "trixie"}


def suite_of(deb):
    """The release of Debian that a package is for; packages of before that stood in the version are for Debian 12."""
    version = subprocess.run(["dpkg-deb", "-f", deb, "Version"], check=True, capture_output=True, text=True).stdout.strip()
    return SUITES[(re.findall(r"\+(deb\d+)$", version) or ["deb12"])[0]]


class Host:
    """A clean root with the package and a sandbox beside it."""

    def __init__(self):
        self.root = CleanRoot(suite_of(OLD))
        self.systemd = self.root.boot()
        print("systemd in the clean root:", "yes" if self.systemd else "no: what needs it is not tried", flush=True)
        self.sandbox = None

    def __call__(self, command, **options):
        return self.root.shell(command, **options).stdout

    def install(self, deb):
        shutil.copy(deb, self.root.file("/var/" + os.path.basename(deb)))
        return self(f"apt-get install -y -q --no-install-recommends /var/{os.path.basename(deb)}")

    def start_sandbox(self):
        """With the clean root's libraries, but as a process of this machine, whose loopback is the clean root's too."""
        self.sandbox = subprocess.Popen(["chroot", self.root.path, "/usr/bin/watchbill", "sandbox", "--servers-only"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.sandbox.stdout.readline())
        self.control("rate", off=True)

    def control(self, action, **fields):
        request = urllib.request.Request(self.ready["control"] + "/_control", json.dumps({"do": action, **fields}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def write(self, path, text, mode=0o600):
        descriptor = os.open(self.root.file(path), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path):
        with open(self.root.file(path), encoding="utf-8") as file:
            return file.read()

    def json(self, command):
        return json.loads(self(f"watchbill {command} --format json"))

    def until(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.1)
        log = self("journalctl -u 'watchbilld*' --no-pager | tail -30", check=False) if self.systemd else ""
        raise AssertionError(f"{what}: not within {seconds} s\n{log}")

    def close(self):
        if self.sandbox:
            self.sandbox.kill()
        self.root.close()


def check_files(host):
    for path, mode, owner in (("/var/lib/watchbill", "700", "watchbill"), ("/var/backups/watchbill", "700", "watchbill"),
                              ("/etc/watchbill/watchbill.yaml", "644", "root"), ("/etc/credstore", "700", "root")):
        assert host(f"stat -c '%a %U' {path}").split() == [mode, owner], host(f"stat -c '%a %U' {path}")
    assert re.match(r"watchbilld \d+\.\d+\.\d+ \(commit [0-9a-f]{12}, schema \d+\)", host("watchbilld --version"))
    assert "the configuration is right" in host("watchbilld --check-config")
    listed = host("dpkg -L watchbill").split()
    for path in ("/usr/share/man/man1/watchbill.1.gz", "/usr/share/man/man1/watchbill-rotation.1.gz",
                 "/usr/share/man/man8/watchbilld.8.gz", "/usr/share/man/man5/watchbill.yaml.5.gz",
                 "/usr/share/bash-completion/completions/watchbill", "/usr/share/zsh/vendor-completions/_watchbill",
                 "/usr/share/fish/vendor_completions.d/watchbill.fish",
                 {"bookworm": "", "trixie": "/usr"}[suite_of(NEW)] + "/lib/systemd/system/watchbilld@.service",
                 "/usr/share/doc/watchbill/examples/prometheus/alerts.yaml"):
        assert path in listed, path
    if host.systemd:
        verified = host("systemd-analyze verify --man=no watchbilld.service watchbilld@acme.service watchbill-backup.service "
                        "watchbill-backup@acme.service watchbill-backup@acme.timer watchbill-backup.timer watchbilld-retry.timer 2>&1")
        assert verified.strip() == "", verified
        for unit in ("watchbilld.service", "watchbilld@acme.service", "watchbill-backup.service"):
            rated = host(f"systemd-analyze security --offline=yes {unit} | tail -1")
            exposure = float(re.search(r": ([0-9.]+) ", rated).group(1))
            assert exposure <= 1.0, rated
        checks = json.loads(host("watchbill doctor --format json", check=False))["checks"]
        assert [c["state"] for c in checks if c["check"] == "libevent"] == ["ok"], checks


def check_dependencies(host):
    """Each library that a program names is depended on, and no other."""
    depends = {re.split(r"[ (:]", d.strip())[0] for d in host("dpkg-query -W -f='${Depends}' watchbill").split(",")}
    needed = set()
    for program in ("watchbill", "watchbilld"):
        dump = subprocess.run(["objdump", "-p", host.root.file(f"/usr/bin/{program}")], capture_output=True, text=True,
                              check=True).stdout
        for library in re.findall(r"NEEDED\s+(\S+)", dump):
            owner = host(f"dpkg -S '*/{library}' | head -1").split(":")[0]
            needed.add(owner)
    # What is depended on by another name: the package that provides it.
    for line in host("dpkg-query -W -f='${Package}|${Provides}\\n'").splitlines():
        package, _, provides = line.partition("|")
        names = {re.split(r"[ (]", name.strip())[0] for name in provides.split(",")}
        if names & depends:
            depends = (depends - names) | {package}
    extra = {d for d in depends - needed if not d.startswith(("systemd", "ca-certificates", "procps"))}
    # libgcc-s1 and libstdc++6 stand for each other's users.
    assert needed - depends <= {"libgcc-s1", "libc6", "libstdc++6"}, (needed - depends)
    assert not extra, extra


def configure(host):
    tokens, keys = host.ready["tokens"], host.ready["keys"]
    host.write("/etc/credstore/watchbill.slack-bot-token", tokens["bot"] + "\n")
    host.write("/root/pd.key", keys["pagerduty"] + "\n")
    host.write("/etc/watchbill/watchbill.yaml",
               "poll_interval: 1s\nslack:\n  bot_token_file: /etc/credstore/watchbill.slack-bot-token\n"
               f"  api_url: {host.ready['slack_api']}\n  rate_scale: 1000\n", 0o644)


def start(host):
    if host.systemd:
        host("systemctl enable --now watchbilld")
        assert host("systemctl is-active watchbilld").strip() == "active"
    else:
        host("install -d -o watchbill /run/credentials && install -m 400 -o watchbill /etc/credstore/watchbill.slack-bot-token "
             "/run/credentials/slack-bot-token")
        host("CREDENTIALS_DIRECTORY=/run/credentials setsid setpriv --reuid=watchbill --regid=watchbill --clear-groups watchbilld "
             ">/var/tmp/watchbilld.log 2>&1 </dev/null & echo $! >/var/tmp/watchbilld.pid")


def stop(host):
    if host.systemd:
        host("systemctl stop watchbilld")
    else:
        # Without systemd the processes of the clean root are this machine's: this one by its number, and no other.
        host("read -r pid </var/tmp/watchbilld.pid; kill -TERM $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done")


def daemon_pid(host):
    """0 if it does not run."""
    if host.systemd:
        return int(host("systemctl show -p MainPID --value watchbilld") or 0)
    return int(host("read -r pid </var/tmp/watchbilld.pid && kill -0 $pid && echo $pid || echo 0"))


def in_sync(host):
    rotations = host.json("status")["rotations"]
    return rotations and all(r["state"] == "in_sync" for r in rotations)


def run_service(host):
    host(f"watchbill connection add pagerduty pd --api-key-file /root/pd.key --base-url {host.ready['pagerduty']}")
    schedules = host.json("schedule list")
    host(f"watchbill rotation create payments --group @pay-oncall --create-group --adopt --schedule {schedules[0]['ref']} --yes")
    start(host)
    host.until("the first sync", lambda: in_sync(host))
    # The daemon's files are the daemon's, also those that root's command line made.
    owners = set(host("stat -c '%U %a' /var/lib/watchbill/*").splitlines())
    assert owners == {"watchbill 600"}, owners
    assert host.json("who")["rotations"][0]["on_call"], "nobody is on call"
    with urllib.request.urlopen("http://127.0.0.1:9469/readyz", timeout=5) as answer:
        assert answer.status == 200


def check_unit(host):
    """What only systemd can show."""
    pid = host("systemctl show -p MainPID --value watchbilld").strip()
    assert host(f"ls /proc/{pid}/root/run/credentials/watchbilld.service").split() == ["slack-bot-token"]
    status = host(f"cat /proc/{pid}/status")
    assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status, status
    # The secret is the service's alone, and its file is not the service's.
    assert host("runuser -u watchbill -- cat /etc/credstore/watchbill.slack-bot-token 2>&1 || true").strip().endswith("Permission denied")
    # Reload keeps the process, a crash brings another one within seconds, and a handoff goes on.
    host("systemctl reload watchbilld")
    assert host("systemctl show -p MainPID --value watchbilld").strip() == pid
    host(f"kill -9 {pid}")
    host.until("a new process after a crash", lambda: host("systemctl show -p MainPID --value watchbilld").strip() not in ("0", pid))
    host.until("in sync after a crash", lambda: in_sync(host))
    # What cannot start is tried again, five times soon and then from the timer, and is found by whoever looks.
    host("cp /etc/watchbill/watchbill.yaml /root/good.yaml; echo 'nonsense: true' >>/etc/watchbill/watchbill.yaml")
    host("systemctl restart watchbilld", check=False)
    host.until("it gave up", lambda: host("systemctl is-failed watchbilld", check=False).strip() == "failed" and
               host("systemctl is-active watchbilld-retry.timer", check=False).strip() == "active", 60)
    host("cp /root/good.yaml /etc/watchbill/watchbill.yaml")
    host.until("the timer has started it again", lambda: host("systemctl is-active watchbilld", check=False).strip() == "active", 100)
    # The nightly backup.
    host("systemctl start watchbill-backup.service")
    assert re.search(r"watchbill-[1-7]\.db", host("ls /var/backups/watchbill"))


def check_instance(host):
    """A second workspace's daemon: everything of its own."""
    text = host.read("/etc/watchbill/watchbill.yaml").replace("watchbill.slack", "watchbill.acme.slack")
    host.write("/etc/watchbill/acme.yaml", "store: /var/lib/watchbill-acme/watchbill.db\n"
               "key_file: /var/lib/watchbill-acme/key\nlisten: 127.0.0.1:9470\n" + text, 0o644)
    host("cp /etc/credstore/watchbill.slack-bot-token /etc/credstore/watchbill.acme.slack-bot-token")
    host("systemctl start watchbilld@acme")
    with urllib.request.urlopen("http://127.0.0.1:9470/healthz", timeout=5) as answer:
        assert answer.status == 200
    pid = host("systemctl show -p MainPID --value watchbilld@acme").strip()
    seen = host(f"ls /proc/{pid}/root/var/lib").split()
    assert seen == ["watchbill-acme"], seen
    host("systemctl start watchbill-backup@acme.service")
    assert re.search(r"acme-[1-7]\.db", host("ls /var/backups/watchbill"))
    host("systemctl stop watchbilld@acme")


def check_backup_elsewhere(host):
    """A cold standby: the backup in a store of its own, and in sync within one pass."""
    host("watchbill backup --force /root/moved.db")
    stop(host)
    host("mv /var/lib/watchbill /root/lost; install -d -m 700 -o watchbill -g watchbill /var/lib/watchbill; "
         "install -m 600 -o watchbill -g watchbill /root/lost/key /var/lib/watchbill/key")
    host("watchbill --yes restore /root/moved.db")
    messages = len(host.control("log", since=0, system="slack", match="chat.postMessage")["entries"])
    start(host)
    host.until("in sync after the restore", lambda: in_sync(host))
    assert len(host.control("log", since=0, system="slack", match="chat.postMessage")["entries"]) == messages


def upgrade_host(host):
    """From one Debian to the next, as its release notes have it. The old package stays, and runs."""
    host.write("/etc/apt/sources.list", sources(suite_of(NEW)), 0o644)
    host("apt-get update -q")
    for step in ("upgrade --without-new-pkgs", "full-upgrade"):
        host(f"apt-get {step} -y -q -o Dpkg::Options::=--force-confold", timeout=1200)
    assert host("dpkg-query -W -f='${db:Status-Status}' watchbill") == "installed", "the upgrade of the host has removed it"
    stop(host)
    start(host)
    host.until("in sync with the package of the Debian before", lambda: in_sync(host))


def check_upgrade(host):
    before = host.read("/etc/watchbill/watchbill.yaml")
    rotations = host.json("rotation list")
    if suite_of(OLD) != suite_of(NEW):
        upgrade_host(host)
    pid = daemon_pid(host)
    told = host.install(NEW)
    assert "conffile" not in told.lower(), told
    assert host.read("/etc/watchbill/watchbill.yaml") == before
    if host.systemd:
        assert daemon_pid(host) not in (0, pid), "the old program goes on"
        assert host("systemctl show -p NeedDaemonReload --value watchbilld").strip() == "no", "the old unit goes on"
    host.until("in sync after the upgrade", lambda: in_sync(host))
    assert host.json("rotation list") == rotations


def check_removal(host):
    host("apt-get remove -y -q watchbill")
    assert daemon_pid(host) == 0 or not host.systemd
    for path in ("/etc/watchbill/watchbill.yaml", "/var/lib/watchbill/watchbill.db", "/var/lib/watchbill/key",
                 "/etc/credstore/watchbill.slack-bot-token"):
        assert os.path.exists(host.root.file(path)), path
    assert not os.path.exists(host.root.file("/usr/bin/watchbill"))
    host.install(NEW)
    assert host.json("rotation list")[0]["name"] == "payments"
    host("mkdir -p /var/backups/watchbill && touch /var/backups/watchbill/kept.db")
    if not host.systemd:
        stop(host)
    host("apt-get purge -y -q watchbill")
    left = [path for path in host("find / -xdev \\( -path /proc -o -path /root -o -path /tmp -o -path '/var/*.deb' -o -path /var/log -o "
                                  "-path '/var/backups/watchbill/*' \\) -prune -o "
                                  "-name '*watchbill*' -print").split()]
    assert left == ["/var/backups/watchbill"], left
    # The database's name is gone with it; what is in the backups stays.
    assert "kept.db" in host("ls /var/backups/watchbill")


def main():
    host = Host()
    try:
        began = time.monotonic()
        print(host.install(OLD)[-300:])
        host.start_sandbox()
        configure(host)
        run_service(host)
        print(f"installed with its dependencies, configured and in sync after {time.monotonic() - began:.1f} s", flush=True)
        if host.systemd:
            check_unit(host)
        check_backup_elsewhere(host)
        check_upgrade(host)
        check_files(host)
        check_dependencies(host)
        if host.systemd:
            check_instance(host)
        check_removal(host)
        print("reinstalled on a host with the dependencies, configured and running:", end=" ")
        began = time.monotonic()
        # What is there before the package, by configuration management for example, is not touched.
        host("mkdir -p /etc/watchbill /etc/credstore")
        configure(host)
        before = host.read("/etc/watchbill/watchbill.yaml")
        host.install(NEW)
        assert host.read("/etc/watchbill/watchbill.yaml") == before
        run_service(host)
        print(f"{time.monotonic() - began:.1f} s (<= 30 s)")
    finally:
        host.close()
    print("ok")


main()
