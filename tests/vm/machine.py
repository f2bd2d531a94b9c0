# SPDX-License-Identifier: GPL-2.0-only
"""What the guest tests share: services with work, the daemon's view, the kernel's own word."""

import json
import os
import pathlib
import subprocess
import time

CGROUP_ROOT = pathlib.Path("/sys/fs/cgroup")
SCHED_EXT = pathlib.Path("/sys/kernel/sched_ext")
POLICY = pathlib.Path("/etc/fief/policy.json")
SLEEP = "sleep infinity"
SPIN = "for n in $(seq $(nproc)); do (while :; do :; done) & done; wait"


def run(*command, check=True):
    """Runs a command, returns what it wrote; its error text is part of a failure."""
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def wait_for(what, condition, seconds=60):
    """Returns the first true value of condition(); fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return value


class Service:
    """A transient unit, in demo.slice and busy with a process for every CPU unless told otherwise."""

    def __init__(self, name, weight=100, command=SPIN, slice="demo.slice"):
        self.name = f"{name}.service"
        self.slice = slice
        self.path = f"/{slice}/{self.name}"
        self.directory = CGROUP_ROOT / self.path[1:]
        self.weight = weight
        self.command = command

    def start(self):
        run("systemd-run", "--quiet", f"--unit={self.name}", f"--slice={self.slice}",
            "--property=TimeoutStopSec=5", "--property=KillSignal=SIGKILL",
            f"--property=CPUWeight={self.weight}", "/bin/sh", "-c", self.command)
        wait_for(f"{self.name} to start", self.directory.exists)

    def stop(self):
        run("systemctl", "stop", self.name, check=False)
        run("systemctl", "reset-failed", self.name, check=False)
        wait_for(f"{self.name} to be gone", lambda: not self.directory.exists())

    @property
    def cgroup_id(self):
        return self.directory.stat().st_ino

    def set_weight(self, weight):
        (self.directory / "cpu.weight").write_text(str(weight))

    def usage(self):
        """CPU seconds so far, by cpu.stat."""
        lines = (self.directory / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6


def set_slice_weight(weight):
    """cpu.weight of demo.slice; an empty string is the default."""
    run("systemctl", "set-property", "--runtime", "demo.slice", f"CPUWeight={weight}")


def write_policy(text):
    POLICY.parent.mkdir(exist_ok=True)
    POLICY.write_text(text if isinstance(text, str) else json.dumps(text))


def delegate(*services, **root):
    """A policy that delegates to each service under its short name."""
    policy = {"delegations": [{"name": s.name.removesuffix(".service"), "cgroup": s.path} for s in services]}
    if root:
        policy["root"] = root
    write_policy(policy)


def status():
    return json.loads(run("fiefctl", "tree", "--json").stdout)


def schedulers():
    """fief's view of every scheduler, by cgroup path."""
    return {scheduler["cgroup"]: scheduler for scheduler in status()["schedulers"]}


def settled(*services):
    """Whether all of these are attached and the kernel holds the plan."""
    state = status()
    shown = {scheduler["cgroup"]: scheduler for scheduler in state["schedulers"]}
    return state["as_planned"] and all(
        service.path in shown and shown[service.path]["state"] == "attached" for service in services)


def cids(text):
    """The set behind a kernel list such as "0-3,8"."""
    found = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def kernel_state():
    return (SCHED_EXT / "state").read_text().strip()


def kernel_children():
    """cgroup ids of the root's children."""
    return {int(entry.name[4:]) for entry in (SCHED_EXT / "root" / "sub").glob("sub-*")}


def scheduler_directory(cgroup_id):
    """Where the kernel shows a child scheduler, however deep below the root."""
    return next(SCHED_EXT.joinpath("root").rglob(f"sub-{cgroup_id}"), SCHED_EXT / "root" / "sub" / "gone")


def kernel_caps(cgroup_id):
    """The kernel's list of what a scheduler holds: cap → set of cids."""
    text = (scheduler_directory(cgroup_id) / "caps").read_text()
    return {cap: cids(listed) for cap, _, listed in (line.partition(":") for line in text.splitlines())}


def owners():
    """cid → cgroup ids that hold ENQ on it, of one moment as far as files can tell."""
    held = {}
    for child in kernel_children():
        try:
            for cid in kernel_caps(child)["enq"]:
                held.setdefault(cid, set()).add(child)
        except FileNotFoundError:
            continue
    return held


def journal(unit="fiefd.service"):
    return run("journalctl", "--no-pager", "--output=cat", "--unit", unit).stdout


def unit_property(name, unit="fiefd.service"):
    return run("systemctl", "show", "--value", "--property", name, unit).stdout.strip()


def used_cpus(*services, seconds=10):
    """CPUs that each service uses, over that time from now."""
    before, started = [service.usage() for service in services], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - started
    return [(service.usage() - was) / passed for service, was in zip(services, before)]


def check_division(services, parts, seconds=10, tolerance=0.05):
    """What the services use is divided among them as the parts are; returns the CPUs that each uses.

    Measured once a single second is about right: a change takes its time to be felt.
    """
    def worst_error(used):
        return max(abs(cpus / sum(used) * sum(parts) / part - 1) for cpus, part in zip(used, parts))

    wait_for("shares that are about right", lambda: worst_error(used_cpus(*services, seconds=1)) < 4 * tolerance)
    used = used_cpus(*services, seconds=seconds)
    assert worst_error(used) <= tolerance, f"{used} CPUs are used and not divided as {parts}"
    return used


def nr_cpus():
    return os.cpu_count()
