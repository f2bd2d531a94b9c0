# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 600
"""A delegation inside another: the slice is one unit outwards, and divides what it gets inside."""
import machine
import pytest

SLICE = machine.CGROUP_ROOT / "demo.slice"


def delegate_slice_and(*names):
    machine.write_policy({"delegations": [
        {"name": "demo", "cgroup": "/demo.slice"},
        *({"name": name, "cgroup": machine.Service(name).path} for name in names)]})


def settled(*services):
    return machine.settled(*services) and machine.schedulers()["/demo.slice"]["state"] == "attached"


def check_shares(*services):
    """Nobody gets less than is due, and what nobody else wants is lent to them."""
    due = [machine.schedulers()[service.path]["entitlement"]["cpus"] for service in services]

    def least(used):
        return min(cpus / part for cpus, part in zip(used, due))

    machine.wait_for("what is due, about", lambda: least(machine.used_cpus(*services, seconds=1)) > 0.9)
    used = machine.used_cpus(*services, seconds=10)
    assert least(used) > 0.97, f"{due} CPUs are due and {used} used"
    assert sum(used) > 0.95 * machine.nr_cpus(), f"{used} CPUs are used, and the others lie idle"


def check_caps(service):
    """fief's view of what a service holds is the kernel's."""
    shown = machine.schedulers()[service.path]
    assert machine.kernel_caps(service.cgroup_id)["enq"] == machine.cids(shown["exclusive"])


def test_slice_divides_what_it_gets(services, daemon):
    delegate_slice_and("a", "b")
    daemon()
    a, b = services("a", 100), services("b", 300)
    machine.wait_for("schedulers at both levels", lambda: settled(a, b), 120)
    inside = {entry.name for entry in machine.scheduler_directory(SLICE.stat().st_ino).glob("sub/sub-*")}
    assert inside == {f"sub-{service.cgroup_id}" for service in (a, b)}
    for service in (a, b):
        check_caps(service)
    due_a, due_b = (machine.schedulers()[service.path]["entitlement"]["cpus"] for service in (a, b))
    assert due_b > 2.5 and abs(due_b - 3 * due_a) < 0.001
    check_shares(a, b)

    a.set_weight(300)
    machine.wait_for("the change inside the slice",
                     lambda: settled(a, b) and machine.schedulers()[a.path]["weight"] == 300)
    for service in (a, b):
        check_caps(service)
    check_shares(a, b)


@pytest.fixture
def slice_weight():
    yield machine.set_slice_weight
    machine.set_slice_weight("")


def test_slice_that_loses_cpus_takes_them_from_those_inside(services, daemon, slice_weight):
    delegate_slice_and("a", "b")
    daemon()
    slice_weight("10000")
    a, b = services("a"), services("b")
    services("rival", slice="rival.slice")
    machine.wait_for("schedulers at both levels", lambda: settled(a, b), 120)
    slice_weight("100")
    machine.wait_for("the change above the services",
                     lambda: settled(a, b) and machine.schedulers()["/demo.slice"]["weight"] == 100)
    above = machine.kernel_caps(SLICE.stat().st_ino)["enq_immed"]
    for service in (a, b):
        check_caps(service)
        assert machine.kernel_caps(service.cgroup_id)["enq_immed"] <= above
    slice_weight("10000")
    machine.wait_for("the way back",
                     lambda: settled(a, b) and machine.schedulers()["/demo.slice"]["weight"] == 10000)
    for service in (a, b):
        check_caps(service)
