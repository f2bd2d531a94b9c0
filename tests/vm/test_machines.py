# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 1 --memory 2048 --timeout 600
# guest: --cpus 3 --memory 2048 --timeout 600
# guest: --cpus 4 --append maxcpus=3 --memory 2048 --timeout 600
# guest: --smp 8,sockets=1,cores=4,threads=2 --memory 2048 --timeout 600
# guest: --smp 4,sockets=1,cores=2,threads=2 --append nosmt --memory 2048 --timeout 600
"""Machines that are not as most are: one CPU, an odd number, CPUs that are offline from the start, threads."""

import pathlib

import time

import pytest

import machine

NAPPING = ("for n in 1 2; do (while :; do i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; sleep 0.02; done) & done; "
           "wait")


def online():
    return machine.cids(pathlib.Path("/sys/devices/system/cpu/online").read_text())


def test_what_is_busy_gets_what_it_is_due(services, daemon):
    machine.delegate(machine.Service("a"), machine.Service("b"))
    daemon()
    a, b = services("a", weight=100), services("b", weight=300)
    machine.wait_for("two schedulers", lambda: machine.settled(a, b), 120)
    shown = machine.schedulers()
    due = [shown[service.path]["entitlement"]["cpus"] for service in (a, b)]
    assert sum(due) <= len(online()) + 0.001
    for got, least in zip(machine.used_cpus(a, b), due):
        assert got >= least * 0.95
    assert machine.kernel_state() == "enabled"


def test_a_limit_holds(services, daemon):
    a, b = services("a"), services("b")
    machine.run("systemctl", "set-property", "--runtime", a.name, "CPUQuota=20%")
    machine.delegate(b)
    daemon()
    machine.wait_for("a scheduler", lambda: machine.settled(b), 120)
    assert machine.used_cpus(a)[0] == pytest.approx(0.2, rel=0.1)


def test_a_plan_names_only_cpus_that_are_online(services, daemon):
    a = services("a", weight=1000)
    machine.delegate(a)
    daemon()
    machine.wait_for("a scheduler", lambda: machine.settled(a), 120)
    planned = machine.schedulers()[a.path]["planned"]
    cids = machine.cids(planned["exclusive"]) | {share["cid"] for share in planned["shared"]}
    place = machine.status()["cpu_of_cid"]
    assert cids and {place[cid] for cid in cids} <= online()


def core_of(cpu):
    return pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()


def where_busy(service):
    """The CPUs of those processes of the service that run right now."""
    found = []
    for pid in (service.directory / "cgroup.procs").read_text().split():
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except FileNotFoundError:
            continue
        if fields[0] == "R":
            found.append(int(fields[36]))
    return found


def test_two_tasks_that_wake_take_two_cores(services, daemon):
    cores = {core_of(cpu) for cpu in online()}
    if len(cores) == len(online()):
        pytest.skip("no core has two threads here")
    machine.write_policy({"delegations": []})
    daemon()
    napping = services("napping", command=NAPPING)
    together = apart = 0
    deadline = time.monotonic() + 30
    while together + apart < 60 and time.monotonic() < deadline:
        busy = where_busy(napping)
        if len(busy) == 2:
            same = core_of(busy[0]) == core_of(busy[1])
            together, apart = together + same, apart + (not same)
        time.sleep(0.01)
    # By chance it would be one in seven; now and then every core has something to do.
    assert apart > 15 * together
