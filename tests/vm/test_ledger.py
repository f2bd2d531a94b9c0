# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 1 --virtual-time --memory 2048 --timeout 3000
"""The ledger of costs: how many instructions each op of each scheduler takes.

On virtual time the kernel's own account of BPF programs (kernel.bpf_stats_enabled) counts instructions, 2 ns
each, and on one CPU nothing else comes between. ledger.json beside this file is what they cost when it was
last agreed to; an op that costs more fails here under its name. What was measured comes out of the guest as
ledger.json, too: who means a change puts that in its place.
"""

import json
import pathlib
import re
import time

import machine
import pytest

NS_PER_INSTRUCTION = 2
MAY_GROW = 1.05
# Calls that happen to be few say little of what one costs.
LEAST_CALLS = 200
AGREED = pathlib.Path(__file__).with_name("ledger.json")
MEASURED = pathlib.Path("/root/out/ledger.json")
STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
CHILDREN = ("fair", "latency", "batch")
# Delegations beside which a CPU falls idle.
FEW, MORE = 2, 4

# Wake-ups to and fro on an idle CPU, then slices that end on a busy one.
WORK = """
import os, time
a, b = os.pipe(), os.pipe()
if os.fork() == 0:
    while os.read(a[0], 1): os.write(b[1], b"x")
for _ in range(2000):
    os.write(a[1], b"x"); os.read(b[0], 1)
for _ in range(3):
    if os.fork() == 0:
        while True: pass
time.sleep(3)
open("/run/ledger-done", "w").close()
time.sleep(1000)
"""
DONE = pathlib.Path("/run/ledger-done")


class Program:
    """A BPF program of a scheduler, as the kernel shows it."""

    def __init__(self, shown):
        self.name = shown["name"]
        self.maps = frozenset(shown.get("map_ids", ()))
        self.calls = shown.get("run_cnt", 0)
        self.ns = shown.get("run_time_ns", 0)


def programs():
    shown = json.loads(machine.run("bpftool", "--json", "prog", "show").stdout)
    return [Program(program) for program in shown if program["type"] == "struct_ops"]


def of_scheduler(kind):
    """The programs of the root or of the only child: those that use one arena, whichever map that is."""
    every = programs()
    dispatch = next(program for program in every if program.name == f"{kind}_dispatch")
    others = next((program for program in every if re.fullmatch(r"(root|child)_dispatch", program.name)
                   and program is not dispatch), None)
    own = dispatch.maps - (others.maps if others else frozenset())
    return {program.name: program for program in every if program.maps & own}


@pytest.fixture(autouse=True)
def counted():
    STATS.write_text("1")
    yield
    STATS.write_text("0")
    DONE.unlink(missing_ok=True)


def start_work(service):
    """The work as part of the service; it ends with it."""
    machine.run("sh", "-c", f"echo $$ >{service.directory}/cgroup.procs; "
                f"setsid python3 -c '{WORK}' </dev/null >/dev/null 2>&1 &")


def cost_of_work(kind, service):
    """Instructions of a call of each op, while the work is done."""
    before = of_scheduler(kind)
    start_work(service)
    machine.wait_for("the work to be done", DONE.exists, 900)
    cost = {}
    for name, after in sorted(of_scheduler(kind).items()):
        calls = after.calls - before[name].calls
        if calls >= LEAST_CALLS:
            cost[name] = round((after.ns - before[name].ns) / calls / NS_PER_INSTRUCTION)
    return cost


def keep(kind, cost):
    """Adds to what comes out of the guest."""
    MEASURED.parent.mkdir(exist_ok=True)
    ledger = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    ledger[kind] = cost
    MEASURED.write_text(json.dumps(ledger, indent=2, sort_keys=True) + "\n")


def check(kind, cost):
    """No op costs more than was agreed to."""
    keep(kind, cost)
    print("\n".join(f"{kind:8} {name:20} {instructions:8}" for name, instructions in cost.items()))
    agreed = json.loads(AGREED.read_text())[kind]
    grown = [f"{name}: {cost[name]} instructions, agreed were {agreed[name]}" for name in agreed
             if name in cost and cost[name] > agreed[name] * MAY_GROW]
    new = sorted(set(cost) - set(agreed))
    assert not grown and not new, f"costs more: {grown}; not in the ledger: {new}"


def test_root(services, daemon):
    machine.write_policy({"delegations": []})
    daemon()
    check("root", cost_of_work("root", services("ledger", 100, machine.SLEEP)))


def idle_cost():
    """Instructions that all schedulers together take for each time that the CPU falls idle or is idle no more."""
    def total():
        all_of_them = [program for program in programs() if program.name.endswith("_update_idle")]
        root = next(program for program in all_of_them if program.name == "root_update_idle")
        return sum(program.ns for program in all_of_them), root.calls

    ns, calls = total()
    time.sleep(20)
    ns_after, calls_after = total()
    assert calls_after - calls > LEAST_CALLS
    return round((ns_after - ns) / (calls_after - calls) / NS_PER_INSTRUCTION)


def settled(made):
    """Whether all have their schedulers; one CPU verifies them beside all else, and answers may take long."""
    try:
        return machine.settled(*made)
    except AssertionError:
        return False


def test_idle_as_children_grow(services, daemon):
    """Each child that may borrow a CPU hears of it: the cost of that, and that it is no more."""
    names = [f"idle{i}" for i in range(FEW + MORE)]
    machine.write_policy({"delegations": [{"cgroup": f"/demo.slice/{name}.service"} for name in names]})
    daemon()
    ticking = services("ticking", 100, "while :; do sleep 0.02; done")
    made = [services(name, 100, machine.SLEEP) for name in names[:FEW]]
    machine.wait_for("a few", lambda: settled(made), 600)
    few = idle_cost()
    made += [services(name, 100, machine.SLEEP) for name in names[FEW:]]
    machine.wait_for("more", lambda: settled(made), 600)
    assert ticking.directory.exists()
    check("idle", {f"with {FEW} children": few, "for each child more": round((idle_cost() - few) / MORE)})


@pytest.mark.parametrize("scheduler", CHILDREN)
def test_child(services, daemon, scheduler):
    machine.write_policy({"delegations": [{"cgroup": "/demo.slice/ledger.service", "scheduler": scheduler}]})
    daemon()
    service = services("ledger", 100, machine.SLEEP)
    machine.wait_for("its scheduler", lambda: machine.settled(service), 300)
    check(scheduler, cost_of_work("child", service))
