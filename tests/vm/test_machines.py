# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 1 --memory 2048 --timeout 600
# guest: --cpus 3 --memory 2048 --timeout 600
# guest: --cpus 4 --append maxcpus=3 --memory 2048 --timeout 600
# guest: --smp 4,sockets=1,cores=2,threads=2 --append nosmt --memory 2048 --timeout 600
"""Machines that are not as most are: one CPU, an odd number, CPUs that are offline from the start."""

import pathlib

import pytest

import machine


def online():
    return machine.cids(pathlib.Path("/sys/devices/system/cpu/online").read_text())


def test_what_is_busy_gets_what_it_is_due(services, daemon, whole_machine):
    a, b = services("a", weight=100), services("b", weight=300)
    machine.delegate(a, b)
    daemon()
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
