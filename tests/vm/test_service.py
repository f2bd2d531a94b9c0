# SPDX-License-Identifier: GPL-2.0-only
# short: only_what_is_enabled or tree_is_what or gets_what_it_is_due
# guest: --cpus 8 --memory 3072 --timeout 900
"""The installed service: what it attaches and grants, held to the kernel's own files."""

import machine
import pytest


def disagreement():
    """What of the caps that fief shows is not what the kernel's caps files list, and which cid has two owners."""
    shown = {s["cgroup_id"]: s for s in machine.status()["schedulers"] if s["cgroup"] != "/"}
    if machine.kernel_children() != set(shown) - {0}:
        return f"attached are {machine.kernel_children()}, shown {set(shown)}"
    owned = set()
    for cgroup_id, scheduler in shown.items():
        held = machine.kernel_caps(cgroup_id)
        for cap, listed in scheduler["caps"].items():
            if machine.cids(listed) != held[cap]:
                return f"{cap} of {scheduler['cgroup']}: the kernel has {held[cap]}, shown is {listed}"
        if owned & held["enq"]:
            return f"{owned & held['enq']} have two owners"
        owned |= held["enq"]
    return None


def assert_kernel_agrees():
    """They agree at some moment: CPUs move while who is busy becomes known, and files are read one by one."""
    seen = []

    def agree():
        seen.append(disagreement())
        return seen[-1] is None

    try:
        machine.wait_for("fief and the kernel to agree", agree, 20)
    except AssertionError as late:
        raise AssertionError(f"{late}; last: {seen[-1]}") from None


def test_stop_leaves_nothing(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.wait_for("a's scheduler", lambda: machine.settled(a))
    assert machine.kernel_state() == "enabled"
    machine.run("systemctl", "stop", "fiefd.service")
    assert machine.kernel_state() == "disabled"
    before = a.usage()
    machine.wait_for("a to go on", lambda: a.usage() > before + 0.5)


def test_only_what_is_enabled_is_started_by_a_call(daemon):
    # Not fiefctl, which starts nothing.
    anybody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "busctl", "--timeout=60", "call",
               "org.fief.Fief1", "/org/fief/Fief1", "org.fief.Fief1.Manager", "GetStatus")
    machine.write_policy({"delegations": []})
    assert machine.run(*anybody, check=False).returncode != 0
    assert machine.unit_property("ActiveState") == "inactive"
    machine.run("systemctl", "enable", "fiefd.service")
    try:
        machine.run(*anybody)
        # It answers before all that the policy names is attached.
        machine.wait_for("the service", lambda: machine.unit_property("ActiveState") == "active")
    finally:
        machine.run("systemctl", "disable", "fiefd.service")


def test_tree_is_what_the_kernel_holds(services, daemon):
    machine.delegate(*(machine.Service(name) for name in "abc"))
    daemon()
    all_three = [services("a", 100), services("b", 300), services("c", 250)]
    machine.wait_for("three schedulers", lambda: machine.settled(*all_three), 120)
    assert_kernel_agrees()

    # Who else wants to run is known after a while, and in steps of an eighth; what is used is exact.
    def due_by_weight():
        shown = machine.schedulers()
        a, b, c = (shown[service.path]["entitlement"]["cpus"] for service in all_three)
        return b / a == pytest.approx(3, rel=0.25) and c / a == pytest.approx(2.5, rel=0.25)

    machine.wait_for("what is due by weight", due_by_weight)


def test_every_busy_service_gets_what_it_is_due(services, daemon):
    machine.delegate(*(machine.Service(name) for name in "abc"))
    daemon()
    all_three = [services("a", 100), services("b", 300), services("c", 250)]
    machine.wait_for("three schedulers", lambda: machine.settled(*all_three), 120)
    used = machine.check_division(all_three, (100, 300, 250))
    # What nobody else wants is lent.
    assert sum(used) > 0.97 * machine.nr_cpus()


def test_who_sleeps_is_due_nothing(services, daemon):
    machine.delegate(*(machine.Service(name) for name in "abc"))
    daemon()
    a, b, c = services("a", 100), services("b", 300), services("c", 400, machine.SLEEP)
    machine.wait_for("three schedulers", lambda: machine.settled(a, b, c), 120)
    machine.wait_for("what c is due to be told apart", lambda: not machine.schedulers()[c.path]["entitlement"]["awake"])
    machine.wait_for("the others' part of it",
                     lambda: machine.schedulers()[b.path]["entitlement"]["cpus"] > 0.7 * machine.nr_cpus())
    # Most of the machine would be due to the rest of the system, if it were busy.
    assert machine.schedulers()[b.path]["entitlement"]["nominal"] < machine.nr_cpus() / 2
    used = machine.check_division((a, b), (100, 300))
    assert sum(used) > 0.97 * machine.nr_cpus()


def test_cgroup_that_appears_goes_and_comes_back(services, daemon):
    late = machine.Service("late")
    machine.delegate(late)
    daemon()
    assert machine.schedulers()[late.path]["state"] == "waiting"
    for _ in range(2):
        late.start()
        machine.wait_for("its scheduler", lambda: machine.settled(late))
        assert machine.kernel_caps(late.cgroup_id)["enq_immed"]
        late.stop()
        machine.wait_for("it to wait again", lambda: machine.schedulers()[late.path]["state"] == "waiting")
        assert machine.kernel_children() == set()


def test_no_cid_has_two_owners_while_weights_change(services, daemon):
    machine.delegate(*(machine.Service(name) for name in "abc"))
    daemon()
    a, b, c = services("a"), services("b"), services("c")
    machine.wait_for("three schedulers", lambda: machine.settled(a, b, c), 120)
    samples = 0
    for turn in range(100):
        (a, b, c)[turn % 3].set_weight(1 + turn * 97 % 1000)
        for _ in range(3):
            for cid, holders in machine.owners().items():
                # Files are read one after another: only a second look at one cid is a verdict.
                if len(holders) > 1:
                    held = [child for child in holders if cid in machine.kernel_caps(child)["enq"]]
                    assert len(held) < 2, f"cid {cid} belongs to {held}"
            samples += 1
    assert samples == 300
    machine.wait_for("the last plan", lambda: machine.settled(a, b, c))
    assert_kernel_agrees()
    assert machine.kernel_state() == "enabled"
