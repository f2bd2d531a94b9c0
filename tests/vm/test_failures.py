# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 2048 --timeout 900
"""What goes wrong is told in a sentence, harms nobody else, and takes nothing down."""

import json
import pathlib

import machine
import pytest

FINAL = "78"
OBJECTS = pathlib.Path("/usr/lib/fief/bpf")

BAD_POLICIES = {
    "syntax": ('{"delegations": [}', "policy.json:1:"),
    "unknown key": ('{"delegations": [{"cgroup": "/x", "wieght": 3}]}', 'did you mean "weight"'),
    "wrong type": ('{"delegations": [{"cgroup": "/x", "weight": "much"}]}', "weight"),
    "impossible": ('{"delegations": [{"cgroup": "/x", "min_cpus": 3, "max_cpus": 1}]}', "min_cpus"),
}


@pytest.mark.parametrize("kind", BAD_POLICIES)
def test_bad_policy_is_refused_and_the_running_one_stays(kind, services, daemon):
    text, said = BAD_POLICIES[kind]
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.wait_for("a's scheduler", lambda: machine.settled(a))
    before = machine.kernel_caps(a.cgroup_id)
    machine.write_policy(text)
    refused = machine.run("fiefctl", "reload", check=False)
    assert refused.returncode == 3
    assert said in refused.stderr + refused.stdout
    assert machine.kernel_caps(a.cgroup_id) == before
    assert machine.status()["policy_error"]
    machine.delegate(a)
    machine.run("fiefctl", "reload")
    assert not machine.status()["policy_error"]


@pytest.fixture
def other_loader():
    """A service that has a root scheduler while it runs; it fails where there is one already."""
    unit = pathlib.Path("/run/systemd/system/scx_loader.service")
    unit.write_text("[Service]\nType=exec\nExecStartPre=/bin/grep -q disabled /sys/kernel/sched_ext/state\n"
                    "ExecStart=/bin/sleep infinity\n")
    machine.run("systemctl", "daemon-reload")
    yield unit.name
    machine.run("systemctl", "stop", unit.name)
    unit.unlink()
    machine.run("systemctl", "daemon-reload")


def test_of_two_services_with_a_root_the_later_one_has_it(daemon, other_loader):
    machine.run("systemctl", "start", other_loader)
    daemon()
    assert machine.unit_property("ActiveState", other_loader) == "inactive"
    assert machine.kernel_state() == "enabled"
    machine.run("systemctl", "start", other_loader)
    assert machine.unit_property("ActiveState", other_loader) == "active"
    assert machine.unit_property("ActiveState") == "inactive"
    assert machine.kernel_state() == "disabled"


def test_bad_policy_at_start_leaves_the_machine_usable(daemon):
    machine.write_policy("{")
    daemon()
    assert machine.kernel_state() == "enabled"
    assert "policy.json:1:" in machine.journal()


def test_missing_and_broken_objects(services, daemon):
    good, missing, broken = services("good"), services("missing"), services("broken")
    (OBJECTS / "broken.bpf.o").write_text("not an object")
    machine.write_policy(json.dumps({"delegations": [
        {"cgroup": missing.path, "scheduler": "absent"},
        {"cgroup": broken.path, "scheduler": "broken"},
        {"cgroup": "/demo.slice/never.service"},
        {"cgroup": good.path},
    ]}))
    daemon()
    machine.wait_for("the good one", lambda: machine.schedulers()[good.path]["state"] == "attached")
    shown = machine.wait_for("the failures", lambda: (
        lambda s: s if s[missing.path]["last_error"] and s[broken.path]["last_error"] else None)(machine.schedulers()))
    assert "absent.bpf.o" in shown[missing.path]["last_error"]
    assert "broken.bpf.o" in shown[broken.path]["last_error"]
    assert shown["/demo.slice/never.service"]["state"] == "waiting"
    assert machine.kernel_children() == {good.cgroup_id}
    (OBJECTS / "broken.bpf.o").unlink()


def test_another_root_scheduler_is_named(daemon):
    pins = pathlib.Path("/sys/fs/bpf/other")
    machine.run("bpftool", "struct_ops", "register", str(OBJECTS / "root.bpf.o"), str(pins))
    try:
        machine.run("systemctl", "start", "fiefd.service", check=False)
        machine.wait_for("the refusal", lambda: machine.unit_property("ActiveState") == "failed")
        assert machine.unit_property("ExecMainStatus") == FINAL
        assert machine.unit_property("NRestarts") == "0"
        assert "fief_root" in machine.journal()
    finally:
        for pin in pins.iterdir():
            pin.unlink()
        pins.rmdir()


def test_too_few_privileges_are_named():
    done = machine.run("setpriv", "--reuid=65534", "--clear-groups", "/usr/sbin/fiefd", check=False)
    assert done.returncode == int(FINAL)
    assert "CAP_SYS_ADMIN" in done.stderr


def enable_seq():
    return int((machine.SCHED_EXT / "enable_seq").read_text())


def root_link():
    """The id of the BPF link that holds the root scheduler: fiefd's first of its kind."""
    links = json.loads(machine.run("bpftool", "--json", "link", "show").stdout)
    return min(link["id"] for link in links if link["type"] == "struct_ops")


def test_tree_whose_root_is_detached_by_others_is_rebuilt(services, daemon):
    a, b = services("a"), services("b")
    machine.delegate(a, b)
    daemon()
    machine.wait_for("two schedulers", lambda: machine.settled(a, b))
    before = enable_seq()
    machine.run("bpftool", "link", "detach", "id", str(root_link()))
    machine.wait_for("the whole tree again", lambda: enable_seq() > before and machine.settled(a, b))
    assert machine.kernel_children() == {a.cgroup_id, b.cgroup_id}


def test_sysrq_means_out(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.wait_for("a's scheduler", lambda: machine.settled(a))
    # The person at the console has the last word: SysRq-S ends every BPF scheduler, for good.
    pathlib.Path("/proc/sysrq-trigger").write_text("S")
    machine.wait_for("the service to end", lambda: machine.unit_property("ActiveState") == "failed")
    assert machine.unit_property("ExecMainStatus") == FINAL
    assert "SysRq" in machine.journal()
    assert machine.kernel_state() == "disabled"


def test_reload_by_systemctl_adds_and_drops(services, daemon):
    a, b = services("a"), services("b")
    machine.delegate(a)
    daemon()
    machine.wait_for("a's scheduler", lambda: machine.settled(a))
    machine.delegate(b)
    machine.run("systemctl", "reload", "fiefd.service")
    machine.wait_for("b instead of a", lambda: machine.kernel_children() == {b.cgroup_id})
