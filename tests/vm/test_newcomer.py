# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 900
"""The first hour of somebody who has just installed the package: ten typical mistakes, each answered by a
sentence that names the remedy, then a policy, a weight, a boost, the history, and out again.
"""

import json
import pathlib
import subprocess

import machine
import pytest

A = "/demo.slice/a.service"
BAD_POLICY = 3

MISTAKES = {
    "a scheduler that is not there": ({"cgroup": A, "scheduler": "Latency"}, 'did you mean "latency"'),
    "more CPUs than there are": ({"cgroup": A, "min_cpus": 8}, "asks for at least 8 CPUs (min_cpus)"),
    "a path of the file system": ({"cgroup": f"/sys/fs/cgroup{A}"}, f'did you mean "{A}"'),
    "a path that begins nowhere": ({"cgroup": A[1:]}, f'did you mean "{A}"'),
    "a mistyped key": ({"cgroup": A, "wieght": 300}, 'did you mean "weight"'),
    "a number as a text": ({"cgroup": A, "weight": "300"}, "is not a whole number from 1 to 10000"),
    "a CPU that is not there": ({"cgroup": A, "placement": "cpus:9"}, "is confined to CPUs 9 (placement)"),
    "a contradiction": ({"cgroup": A, "exclusive": True, "lend": True}, "lend contradicts exclusive"),
    "a landing CPU that is not lent anyway": ({"cgroup": A, "lend": False, "landing_cpus": 1},
                                              "landing_cpus is about CPUs that are lent"),
    "limits the wrong way round": ({"cgroup": A, "min_cpus": 3, "max_cpus": 2}, "min_cpus 3 is above max_cpus 2"),
}


def refused(*command):
    """What a command says that fails; its status."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0, f"{command} did not fail: {done.stdout}"
    return done.stdout + done.stderr, done.returncode


def test_before_it_is_started():
    said, _ = refused("fiefctl", "status")
    assert "systemctl enable --now fiefd" in said or "systemctl start fiefd" in said
    assert machine.run("fiefctl", "check").stdout  # the policy that is shipped


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered(mistake, tmp_path):
    delegation, remedy = MISTAKES[mistake]
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"delegations": [delegation]}))
    said, status = refused("fiefctl", "check", str(policy))
    assert status == BAD_POLICY
    assert remedy in said
    assert "policy.json:1:" in said


def test_the_first_policy(services):
    a, b = services("a"), services("b")
    machine.delegate(a, b)
    machine.run("fiefctl", "check")
    machine.run("fiefctl", "plan")
    machine.run("systemctl", "enable", "--now", "fiefd")
    machine.wait_for("two schedulers", lambda: machine.settled(a, b), 120)
    machine.run("systemctl", "set-property", "--runtime", a.name, "CPUWeight=300")
    machine.check_division([a, b], [300, 100], seconds=5, tolerance=0.15)
    assert "300" in machine.run("fiefctl", "explain", a.name).stdout
    machine.run("fiefctl", "boost", b.name, "weight=300", "--", "sleep", "1")
    said, _ = refused("fiefctl", "set", "c.service", "weight=300")
    assert "fiefctl attach" in said or "no delegation" in said
    machine.run("fiefctl", "set", b.name, "weight=200")
    machine.run("fiefctl", "revert", b.name)
    history = machine.run("fiefctl", "history", "--boot").stdout
    assert "boost" in history
    assert "GOMAXPROCS=" in machine.run("fiefctl", "run", "--of", a.name, "--", "env").stdout
    assert "DEVICE" in machine.run("fiefctl", "irq").stdout


def test_nothing_is_left_of_it():
    machine.run("systemctl", "disable", "--now", "fiefd")
    machine.wait_for("the kernel's own scheduler", lambda: machine.kernel_state() == "disabled")
    machine.run("dpkg", "--purge", "fief")
    for path in ("/etc/fief", "/var/lib/fief", "/run/fief", "/sys/fs/bpf/fief"):
        assert not pathlib.Path(path).exists(), path
