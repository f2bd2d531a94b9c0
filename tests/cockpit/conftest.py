# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the page's tests: the daemon on its own bus, the journal, Cockpit's web server and bridge, a browser."""

import contextlib
import fcntl
import json
import os
import pathlib
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

import browser as devtools
import pytest

STAGE = "/build/dev/tests/cockpit/cockpit_stage"
JOURNALD = "/usr/lib/systemd/systemd-journald"
WEB_SERVER = "/usr/lib/cockpit/cockpit-ws"
PORT = 9090
PATIENCE = 30


def wait_until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Stage:
    """The daemon over the model kernel, and the cgroups there are."""

    def __init__(self):
        self.process = subprocess.Popen([STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.bus = self.process.stdout.readline().strip()
        assert self.bus.startswith("unix:"), "the stage does not start"

    def play(self, *commands):
        for command in commands:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            assert self.process.stdout.readline() == "done\n", command

    def send(self, service, path, method):
        """Calls a method; how it ends is not waited for."""
        subprocess.run(["dbus-send", f"--bus={self.bus}", f"--dest={service}", "--type=method_call", path, method],
                       check=True)

    def configure_bus(self, elements):
        """Adds to the configuration of the bus."""
        file = pathlib.Path(self.bus.removeprefix("unix:path=")).with_name("bus.conf")
        file.write_text(file.read_text().replace("</busconfig>", f"{elements}</busconfig>"))
        self.send("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ReloadConfig")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0


def fiefctl(*arguments):
    return subprocess.run(["fiefctl", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)


def status():
    """What "fiefctl status --json" says."""
    answer = fiefctl("status", "--json")
    assert answer.stdout != "", answer.stderr
    return json.loads(answer.stdout)


def answers():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/cockpit/@localhost/fief/manifest.json", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture(scope="session", autouse=True)
def own_network():
    """A session of root without a password is served: nobody else may reach it."""
    os.unshare(os.CLONE_NEWNET)
    with socket.socket() as any_socket:
        flags = struct.pack("16sh22x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, flags)  # SIOCSIFFLAGS


@pytest.fixture(scope="session", autouse=True)
def journal():
    with running([JOURNALD], stderr=subprocess.DEVNULL):
        wait_until("the journal", pathlib.Path("/run/systemd/journal/socket").exists)
        yield


@pytest.fixture
def stage(journal):
    stage = Stage()
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = stage.bus
    yield stage
    stage.close()


@pytest.fixture
def cockpit(stage):
    with running([WEB_SERVER, "--no-tls", "--address=127.0.0.1", f"--port={PORT}",
                  "--local-session=cockpit-bridge"]):
        wait_until("Cockpit", answers)
        yield f"http://127.0.0.1:{PORT}/cockpit/@localhost/fief/index.html"


@pytest.fixture(scope="session")
def browser(own_network, tmp_path_factory):
    started = devtools.Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.fixture
def page(stage, cockpit, browser):
    """The page over a daemon of two delegations; nothing that a test does may make the browser complain."""
    stage.play('policy {"delegations": [{"cgroup": "/a"}, {"cgroup": "/b"}]}', "make /a 300", "make /b 100", "start")
    page = devtools.Page(browser, cockpit)
    page.wait("the page", "document.getElementById('page')?.dataset.phase", "live")
    yield page
    complaints = page.complaints()
    page.close()
    assert not complaints
