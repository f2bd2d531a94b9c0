# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 2048 --timeout 900
"""The daemon goes and comes back, or does not; its schedulers stay, and converge to the policy."""

import os
import pathlib
import random
import signal
import time

import machine
import pytest

# How often the daemon is killed at a random moment.
KILLS = int(os.environ.get("FIEF_KILLS", "8"))
OBJECTS = pathlib.Path("/usr/lib/fief/bpf")


def unit_property(name):
    return machine.run("systemctl", "show", "--value", "--property", name, "fiefd.service").stdout.strip()


def main_pid():
    return int(unit_property("MainPID"))


def kill_daemon():
    """As a crash, which the service manager answers with another start."""
    machine.run("systemctl", "reset-failed", "fiefd.service", check=False)  # of its count of starts
    pid = main_pid()
    if pid:
        os.kill(pid, signal.SIGKILL)
    machine.wait_for("the old daemon to be gone", lambda: main_pid() != pid)


def instances(*services):
    """What changes when a scheduler is another one: the root's sequence, the children's directories."""
    return [(machine.SCHED_EXT / "enable_seq").read_text(),
            *(machine.scheduler_directory(s.cgroup_id).stat().st_ino for s in services)]


def is_up(*services):
    return unit_property("ActiveState") == "active" and machine.settled(*services)


@pytest.fixture
def two(services, daemon):
    """A running daemon with two busy schedulers, 1:3."""
    a, b = services("a", 100), services("b", 300)
    machine.delegate(a, b)
    daemon()
    machine.wait_for("two schedulers", lambda: machine.settled(a, b), 120)
    return a, b


def test_a_killed_daemon_changes_nothing(two):
    before = instances(*two)
    caps = [machine.kernel_caps(s.cgroup_id) for s in two]
    used = [s.usage() for s in two]
    kill_daemon()
    assert [machine.kernel_caps(s.cgroup_id) for s in two] == caps
    machine.wait_for("the next daemon", lambda: is_up(*two), 120)
    assert instances(*two) == before
    assert [machine.kernel_caps(s.cgroup_id) for s in two] == caps
    assert all(s.usage() > u for s, u in zip(two, used))
    assert "that an earlier daemon attached" in machine.journal()


def test_a_weight_that_changes_without_a_daemon_counts_with_the_next(two):
    a, b = two
    machine.run("systemctl", "kill", "--signal=STOP", "fiefd.service")
    a.set_weight(300)
    kill_daemon()

    def due(service):
        return machine.schedulers()[service.path]["entitlement"]["cpus"]

    machine.wait_for("equal shares", lambda: is_up(a, b) and abs(due(a) - due(b)) < 0.001, 120)


def test_a_restart_keeps_everything(two):
    before = instances(*two)
    machine.run("systemctl", "restart", "fiefd.service")
    machine.wait_for("the next daemon", lambda: is_up(*two), 120)
    assert instances(*two) == before


def test_a_restart_is_known_without_the_bus(two):
    before = instances(*two)
    bus = int(machine.run("systemctl", "show", "--value", "--property", "MainPID", "dbus.service").stdout)
    os.kill(bus, signal.SIGSTOP)
    try:
        machine.run("systemctl", "restart", "fiefd.service")
        assert instances(*two) == before
    finally:
        os.kill(bus, signal.SIGCONT)
    machine.wait_for("the next daemon", lambda: is_up(*two), 120)
    assert instances(*two) == before


def test_a_stop_keeps_where_the_policy_says_so(services, daemon):
    a = services("a")
    machine.delegate(a, on_stop="keep")
    daemon()
    machine.wait_for("a's scheduler", lambda: machine.settled(a), 120)
    before = instances(a)
    machine.run("systemctl", "stop", "fiefd.service")
    assert machine.kernel_state() == "enabled"
    assert instances(a) == before
    daemon()
    machine.wait_for("the next daemon", lambda: is_up(a), 120)
    assert instances(a) == before
    machine.run("fiefctl", "leave")
    machine.wait_for("the service to end", lambda: unit_property("ActiveState") == "inactive")
    assert machine.kernel_state() == "disabled"


def test_leaving_needs_no_daemon(services, daemon):
    a = services("a")
    machine.delegate(a, on_stop="keep")
    daemon()
    machine.wait_for("a's scheduler", lambda: machine.settled(a), 120)
    machine.run("systemctl", "stop", "fiefd.service")
    machine.run("fiefd", "--leave")
    assert machine.kernel_state() == "disabled"
    assert not list(pathlib.Path("/sys/fs/bpf/fief").iterdir())


def test_only_the_scheduler_whose_object_changed_is_replaced(services, daemon):
    a, b = services("a"), services("b")
    machine.write_policy({"delegations": [{"cgroup": a.path}, {"cgroup": b.path, "scheduler": "batch"}]})
    daemon()
    machine.wait_for("two schedulers", lambda: machine.settled(a, b), 120)
    before = instances(a, b)
    batch = OBJECTS / "batch.bpf.o"
    shipped = batch.read_bytes()
    try:
        batch.write_bytes(shipped + b"\0")  # an ELF file goes on meaning the same
        machine.run("systemctl", "restart", "fiefd.service")
        machine.wait_for("the next daemon", lambda: is_up(a, b), 120)
    finally:
        batch.write_bytes(shipped)
    after = instances(a, b)
    assert after[:2] == before[:2]
    assert after[2] != before[2]


def test_killed_at_any_moment_it_converges(services, daemon):
    """Weights change and a service comes and goes meanwhile; no cid ever has two owners."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    a, b = services("a"), services("b")
    c = machine.Service("c")
    machine.delegate(a, b, c)
    daemon()
    for _ in range(KILLS):
        a.set_weight(chance.randrange(1, 1000))
        c.stop() if c.directory.exists() else c.start()
        until = time.monotonic() + chance.uniform(0, 3)
        while time.monotonic() < until:
            twice = {cid: held for cid, held in machine.owners().items() if len(held) > 1}
            assert not twice
        kill_daemon()
    wanted = [a, b] + [c] * c.directory.exists()
    try:
        machine.wait_for("the policy in force", lambda: is_up(*wanted), 120)
        assert machine.kernel_children() == {s.cgroup_id for s in wanted}
        pinned = {pin.name for pin in pathlib.Path("/sys/fs/bpf/fief").iterdir()}
        assert pinned == {"root", *(str(s.cgroup_id) for s in wanted)}
    finally:
        c.stop()
