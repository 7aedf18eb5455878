"""A clean Debian 12 or 13 in a folder, with systemd as its first process where this machine allows that.

Needs root, debootstrap and systemd-container. The network is this machine's: servers on its loopback can be reached.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time

CACHE = os.environ.get("CLEAN_ROOT_CACHE", "/var/cache/watchbill-clean-root")


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def mirror(part="debian"):
    """Where this machine's packages come from."""
    sources = ""
    for folder, _, names in os.walk("/etc/apt"):
        for name in names:
            if name.startswith("sources") or name.endswith((".list", ".sources")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    sources += file.read()
    found = re.search(rf"https?://\S+/{part}/?(?=\s|$)", sources)
    return found.group(0) if found else f"http://deb.debian.org/{part}"


def sources(suite):
    """As Debian's installer has it: the package depends on what the security team has mended."""
    return f"deb {mirror()} {suite} main\ndeb {mirror('debian-security')} {suite}-security main\n"


class CleanRoot:
    def __init__(self, suite, packages=("systemd", "systemd-sysv", "dbus")):
        """`suite`: "bookworm" or "trixie". `packages`: what is there besides the minimum. Made once and copied."""
        base = os.path.join(CACHE, "-".join((suite, "security") + tuple(packages)))
        if not os.path.isdir(os.path.join(base, "usr")):
            self.make(base, suite, packages)
        self.folder = tempfile.mkdtemp(prefix="watchbill-root-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        self.path = os.path.join(self.folder, "root")
        run("cp", "-a", base, self.path)
        self.container = None
        self.first = None
        self.mounted = False

    @staticmethod
    def make(base, suite, packages):
        shutil.rmtree(base, ignore_errors=True)
        os.makedirs(base, exist_ok=True)
        run("debootstrap", "--variant=minbase", "--include=" + ",".join(("ca-certificates",) + tuple(packages)), suite,
            base, mirror(), stdout=subprocess.DEVNULL)
        with open(os.path.join(base, "etc/apt/sources.list"), "w", encoding="utf-8") as file:
            file.write(sources(suite))
        for name in ("resolv.conf", "hosts"):
            shutil.copy("/etc/" + name, os.path.join(base, "etc", name))
        for name in os.listdir("/etc/apt/apt.conf.d"):
            if name.startswith("99"):
                shutil.copy("/etc/apt/apt.conf.d/" + name, os.path.join(base, "etc/apt/apt.conf.d", name))
        # A network that has a certificate authority of its own.
        for variable in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
            authority = os.environ.get(variable)
            if authority and os.path.exists(authority):
                shutil.copy(authority, os.path.join(base, "etc/ssl/certs/ca-certificates.crt"))
        run("chroot", base, "apt-get", "update", "-q", stdout=subprocess.DEVNULL)

    def boot(self):
        """Starts systemd in it; False if this machine cannot."""
        log = open(os.path.join(self.folder, "boot.log"), "w", encoding="utf-8")
        self.container = subprocess.Popen(
            ["systemd-nspawn", "--directory", self.path, "--boot", "--register=no", "--keep-unit", "--console=passive",
             "--bind-ro=/sys/module", "--resolv-conf=copy-host"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.container.poll() is None:
            children = subprocess.run(["pgrep", "-P", str(self.container.pid)], capture_output=True, text=True, check=False).stdout.split()
            if children:
                self.first = children[0]
                state = self.shell("systemctl is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return True
            time.sleep(0.3)
        self.power_off()
        return False

    def shell(self, command, check=True, timeout=300, **options):
        """Runs a shell's command line in it, as root."""
        environment = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "TERM": "dumb"}
        if self.first:
            enter = ["nsenter", "-t", self.first, "--mount", "--uts", "--ipc", "--pid", "--root", "--wd"]
        else:
            if not self.mounted:
                run("mount", "-t", "proc", "proc", os.path.join(self.path, "proc"))
                run("mount", "--rbind", "/dev", os.path.join(self.path, "dev"))
                run("mount", "--make-rslave", os.path.join(self.path, "dev"))
                self.mounted = True
            enter = ["chroot", self.path]
        done = subprocess.run([*enter, "/bin/bash", "-c", command], text=True, capture_output=True, env=environment,
                              timeout=timeout, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def file(self, path):
        return self.path + path

    def power_off(self):
        if self.container:
            if self.first:
                subprocess.run(["nsenter", "-t", self.first, "-m", "-p", "systemctl", "poweroff", "--force", "--force"],
                               check=False, capture_output=True)
            try:
                self.container.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.container.kill()
                self.container.wait()
        self.container = self.first = None

    def close(self):
        self.power_off()
        if self.mounted:
            subprocess.run(["umount", "-R", os.path.join(self.path, "dev")], check=False)
            subprocess.run(["umount", os.path.join(self.path, "proc")], check=False)
        mounts = open("/proc/mounts", encoding="utf-8").read()
        if self.path not in mounts:
            shutil.rmtree(self.folder, ignore_errors=True)
