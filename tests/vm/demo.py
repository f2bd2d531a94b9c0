#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demonstration, in the guest: three busy services get the CPUs that their weights are worth.

What fief says is compared with what the kernel says; any difference ends the demonstration with 1.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

WEIGHTS = {"a": 100, "b": 300, "c": 250}
CHANGED, NEW_WEIGHT = "a", 500
CGROUPS = pathlib.Path("/sys/fs/cgroup/demo.slice")
KERNEL = pathlib.Path("/sys/kernel/sched_ext/root/sub")
POLICY = pathlib.Path("/usr/share/doc/fief/examples/three-services.json")
MEASURE_SECONDS = 10
# A service has got going when it has used this much CPU time.
BUSY_USEC = 1_000_000
# How much less CPU time than due may be measured, in CPUs. More than due is no fault: what the rest of
# the system leaves idle is lent.
TOLERANCE_CPUS = 0.15

SERVICE = """[Service]
Slice=demo.slice
CPUWeight={weight}
ExecStart=/bin/sh -c 'until [ -e /run/demo-go ]; do sleep 0.2; done; for n in $(seq $(nproc)); do (while :; do :; done) & done; wait'
"""


class Disagreement(Exception):
    """fief and the kernel do not say the same."""


def say(text):
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def run(*command):
    print("#", *command, flush=True)
    subprocess.run(command, check=True)


def cgroup(name):
    return CGROUPS / f"{name}.service"


def status():
    answer = subprocess.run(["fiefctl", "tree", "--json"], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def services(state):
    """The schedulers of the three services, by name of the service."""
    by_path = {scheduler["cgroup"]: scheduler for scheduler in state["schedulers"]}
    return {name: by_path.get(f"/demo.slice/{name}.service") for name in WEIGHTS}


def wait_for(what, condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Disagreement(f"{what}: still not so after {seconds} s")
        time.sleep(0.2)


def settled():
    """Every service has its scheduler, and the kernel has what fief planned."""
    state = status()
    return state["as_planned"] and all(
        scheduler and scheduler["state"] == "attached" for scheduler in services(state).values()
    )


def cpu_usec(name):
    lines = (cgroup(name) / "cpu.stat").read_text().splitlines()
    return int(dict(line.split() for line in lines)["usage_usec"])


def kernel_caps(name):
    """The kernel's own list of who holds what, by cap."""
    number = cgroup(name).stat().st_ino
    lines = (KERNEL / f"sub-{number}" / "caps").read_text().splitlines()
    return {cap: cids.strip() for cap, _, cids in (line.partition(":") for line in lines)}


def cids(text):
    """The set that a list such as "0-3,8" stands for; an empty one may be written "none"."""
    found = set()
    for part in text.replace("none", "").split(","):
        first, _, last = part.strip().partition("-")
        if first:
            found |= set(range(int(first), int(last or first) + 1))
    return found


def compare_caps():
    """Holds every cap that fief shows to the kernel's files, and checks that no CPU has two owners."""
    shown = services(status())
    owners = {}
    for name, scheduler in shown.items():
        kernel = kernel_caps(name)
        for cap, listed in scheduler["caps"].items():
            if cids(listed) != cids(kernel.get(cap, "")):
                raise Disagreement(f"{name}: fief shows {cap} {listed!r}, the kernel {kernel.get(cap)!r}")
        for cid in cids(scheduler["exclusive"]):
            if cid in owners:
                raise Disagreement(f"CPU {cid} belongs to {owners[cid]} and to {name}")
            owners[cid] = name
    print("the kernel's caps files say the same")


def compare_usage():
    """Measures each service's CPU time with cpu.stat, and holds fief's figures to it."""
    before = {name: cpu_usec(name) for name in WEIGHTS}
    started = time.monotonic()
    time.sleep(MEASURE_SECONDS)
    shown = services(status())
    after = {name: cpu_usec(name) for name in WEIGHTS}
    elapsed = time.monotonic() - started
    print(f"{'service':8} {'due':>6} {'used':>6} CPUs in {elapsed:.1f} s")
    for name, scheduler in shown.items():
        due = scheduler["entitlement"]["cpus"]
        used = (after[name] - before[name]) / elapsed / 1e6
        print(f"{name:8} {due:6.2f} {used:6.2f}")
        if not before[name] <= scheduler["usage_usec"] <= after[name]:
            raise Disagreement(f"{name}: fief shows {scheduler['usage_usec']} us of CPU time, "
                               f"cpu.stat {before[name]} to {after[name]}")
        if used < due - TOLERANCE_CPUS:
            raise Disagreement(f"{name}: {used:.2f} CPUs used, {due:.2f} due")


class Watch(threading.Thread):
    """Notes when a weight changes, and when any service's caps change last."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.weight_changed = self.caps_changed = None

    def look(self):
        return (cgroup(CHANGED) / "cpu.weight").read_text(), [kernel_caps(name) for name in WEIGHTS]

    def run(self):
        # A watcher that waits for a CPU would measure itself.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
        weight, caps = self.look()
        while not self.ended.wait(0.002):
            new_weight, new_caps = self.look()
            now = time.monotonic()
            if new_weight != weight:
                self.weight_changed = now
            if new_caps != caps:
                self.caps_changed = now
            weight, caps = new_weight, new_caps


def change_weight():
    watch = Watch()
    watch.start()
    before = status()["plan_number"]
    run("systemctl", "set-property", "--runtime", f"{CHANGED}.service", f"CPUWeight={NEW_WEIGHT}")
    wait_for("a new plan in effect", lambda: status()["plan_number"] > before and settled(), 30)
    watch.ended.set()
    watch.join()
    if not watch.weight_changed or not watch.caps_changed:
        raise Disagreement("the weight has changed, and no service's CPUs have")
    milliseconds = (watch.caps_changed - watch.weight_changed) * 1000
    print(f"the kernel's caps were those of the new plan {max(milliseconds, 0):.0f} ms after the weight "
          "was written")


def demonstrate():
    say("three services, weights " +
        " ".join(f"{name}={weight}" for name, weight in WEIGHTS.items()))
    for name, weight in WEIGHTS.items():
        unit = pathlib.Path(f"/run/systemd/system/{name}.service")
        unit.write_text(SERVICE.format(weight=weight))
    run("systemctl", "daemon-reload")
    run("systemctl", "start", *(f"{name}.service" for name in WEIGHTS))

    say("the policy")
    pathlib.Path("/etc/fief").mkdir(exist_ok=True)
    shutil.copy(POLICY, "/etc/fief/policy.json")
    print(POLICY.read_text())

    say("fiefd starts")
    run("systemctl", "start", "fiefd.service")
    wait_for("every service has its scheduler and its CPUs", settled, 120)
    say("the services get to work, each with a process for every CPU")
    pathlib.Path("/run/demo-go").touch()
    wait_for("every service to be busy", lambda: all(cpu_usec(name) > BUSY_USEC for name in WEIGHTS), 60)
    compare_usage()
    run("fiefctl", "tree")
    compare_caps()

    say(f"the weight of {CHANGED} becomes {NEW_WEIGHT}")
    change_weight()
    compare_usage()
    run("fiefctl", "tree")
    compare_caps()
    say("fief and the kernel agree")


def main():
    try:
        demonstrate()
    except (Disagreement, subprocess.CalledProcessError, OSError) as error:
        print(f"\nThe demonstration has failed: {error}", file=sys.stderr)
        subprocess.run(["journalctl", "--no-pager", "-u", "fiefd.service", "-n", "50"], check=False)
        return 1
    return 0


sys.exit(main())
