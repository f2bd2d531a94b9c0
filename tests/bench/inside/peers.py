# SPDX-License-Identifier: GPL-2.0-only
"""The schedulers that are compared: each starts, takes the groups under its care, and leaves."""

import json
import os
import pathlib
import subprocess
import time

CGROUPS = pathlib.Path("/sys/fs/cgroup")
SCHED_EXT = pathlib.Path("/sys/kernel/sched_ext")
HERE = pathlib.Path(__file__).parent
START_SECONDS = 120
PERIOD_US = 100000  # of limits, as systemd sets them


def wait_for(what, condition, seconds=START_SECONDS):
    """Returns when condition() holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def become_normal(pid=0):
    """Takes a process's real-time priority away."""
    os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))


class Group:
    """A cgroup below /bench, or further down as "above/name", with a weight, and what it has used so far."""

    def __init__(self, name, weight):
        self.name = name
        self.weight = weight
        self.path = f"/bench/{name}"
        self.directory = CGROUPS / "bench" / name
        self.processes = []

    def make(self):
        (self.directory.parent / "cgroup.subtree_control").write_text("+cpu")
        self.directory.mkdir()
        (self.directory / "cpu.weight").write_text(str(self.weight))

    def limit(self, cpus):
        """Sets cpu.max, with the usual period."""
        (self.directory / "cpu.max").write_text(f"{int(cpus * PERIOD_US)} {PERIOD_US}")

    def remove(self):
        self.stop()
        if self.directory.exists():
            self.directory.rmdir()

    def spawn(self, *command, **options):
        """Runs a command in this group; it goes with stop()."""
        return self._start(command, become_normal, **options)

    def spin(self, *command):
        """The same for one that computes without end. It has real-time priority until it does: beside a
        hundred others it would take a second to get there."""
        become_normal(self._start(command).pid)

    def watch(self, *command, **options):
        """The same for one that keeps the real-time priority of whoever measures, so that it always answers;
        the threads that it measures are for it to make normal."""
        return self._start(command, **options)

    def _start(self, command, prepare=lambda: None, **options):
        procs = self.directory / "cgroup.procs"

        def enter():
            procs.write_text(str(os.getpid()))
            prepare()

        process = subprocess.Popen(command, preexec_fn=enter, **options)
        self.processes.append(process)
        return process

    def kill(self):
        """Begins to end what runs here."""
        if self.processes:
            (self.directory / "cgroup.kill").write_text("1")

    def stop(self):
        self.kill()
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def usage(self):
        """CPU seconds used so far, by cpu.stat."""
        lines = (self.directory / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6


def sub_schedulers():
    """cgroup ids of the children that the kernel has attached."""
    return {int(entry.name[4:]) for entry in (SCHED_EXT / "root" / "sub").glob("sub-*")}


def caps_file(group):
    """Where the kernel shows what a group's scheduler may use."""
    return SCHED_EXT / "root" / "sub" / f"sub-{group.directory.stat().st_ino}" / "caps"


def nobody_schedules():
    return (SCHED_EXT / "state").read_text().strip() == "disabled"


class Peer:
    """What all have unless they say otherwise."""

    # What comes before the command of threads that are woken.
    before_woken = ()


class Linux(Peer):
    """The kernel's own scheduler and cpu.weight."""

    name = "linux"

    def start(self, groups):
        assert nobody_schedules()

    def stop(self):
        pass


class RealTime(Linux):
    """The same, and the threads that are woken have real-time priority: the best that it can do for them."""

    name = "real-time"
    before_woken = ("chrt", "--fifo", "10")


class Fief(Peer):
    """fiefd with a delegation for every group."""

    name = "fief"
    # What the policy says of the first group.
    first = {}

    def start(self, groups):
        delegations = [{"name": group.name, "cgroup": group.path} for group in groups]
        delegations[0].update(self.first)
        policy = {"delegations": delegations}
        pathlib.Path("/etc/fief").mkdir(exist_ok=True)
        pathlib.Path("/etc/fief/policy.json").write_text(json.dumps(policy))
        subprocess.run(["systemctl", "start", "fiefd.service"], check=True)
        wait_for("fief's schedulers", lambda: self.settled(groups))

    @staticmethod
    def settled(groups):
        answer = subprocess.run(["fiefctl", "tree", "--json"], check=True, capture_output=True, text=True)
        state = json.loads(answer.stdout)
        attached = {s["cgroup"] for s in state["schedulers"] if s["state"] == "attached"}
        return state["as_planned"] and attached >= {group.path for group in groups}

    def stop(self):
        subprocess.run(["systemctl", "stop", "fiefd.service"], check=True)
        wait_for("the kernel's own scheduler", nobody_schedules)

    def kill(self):
        """Kills the daemon as the kernel would when memory runs out."""
        subprocess.run(["systemctl", "kill", "--signal=KILL", "fiefd.service"], check=True)

    def end_child(self, group):
        """Ends a group's scheduler from outside; fief starts it again."""
        subprocess.run(["fiefctl", "kill", group.path], check=True)


class FiefLatency(Fief):
    """The first group has the scheduler for tasks that somebody waits for, and with it a CPU to wake on."""

    name = "fief-latency"
    first = {"scheduler": "latency"}


class FiefLending(Fief):
    """The same, and all its CPUs are lent."""

    name = "fief-lending"
    first = {"scheduler": "latency", "landing_cpus": 0}


class FiefExclusive(Fief):
    """The same, and nobody borrows the first group's CPUs."""

    name = "fief-exclusive"
    first = {"scheduler": "latency", "exclusive": True}


class Qmap(Peer):
    """The kernel's demonstration: a root, and a child on every group."""

    name = "scx_qmap"

    def __init__(self):
        self.processes = []

    def start(self, groups):
        self.launch([])
        wait_for("scx_qmap's root", lambda: not nobody_schedules())
        for group in groups:
            self.launch(["-c", str(group.directory)])
            number = group.directory.stat().st_ino
            wait_for(f"scx_qmap on {group.name}", lambda number=number: number in sub_schedulers())

    def end_child(self, group):
        """Ends a group's scheduler; it stays away."""
        child = self.processes.pop()
        assert group.directory.name in child.args[-1]
        child.kill()
        child.wait()

    def launch(self, arguments):
        self.processes.append(subprocess.Popen([HERE / "scx_qmap", *arguments], stdout=subprocess.DEVNULL))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait()
        self.processes.clear()
        wait_for("the kernel's own scheduler", nobody_schedules)


class Simple(Linux):
    """The kernel's smallest example: one queue for everybody, no groups."""

    name = "scx_simple"

    def start(self, groups):
        self.process = subprocess.Popen([HERE / "scx_simple"], stdout=subprocess.DEVNULL)
        wait_for("scx_simple", lambda: not nobody_schedules())

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Cpuset(Peer):
    """Whole CPUs by cpuset, as many as the weights are worth, rounded by largest remainder."""

    name = "cpuset"

    def start(self, groups):
        assert nobody_schedules()
        cpus, total = os.cpu_count(), sum(group.weight for group in groups)
        due = [group.weight * cpus / total for group in groups]
        whole = [max(1, int(share)) for share in due]
        by_remainder = sorted(range(len(groups)), key=lambda i: int(due[i]) - due[i])
        for i in by_remainder[: max(0, cpus - sum(whole))]:
            whole[i] += 1
        first = 0
        for group, count in zip(groups, whole):
            (group.directory / "cpuset.cpus").write_text(f"{first}-{first + count - 1}")
            first += count

    def stop(self):
        pass


PEERS = {peer.name: peer for peer in (Linux, RealTime, Cpuset, Simple, Qmap, Fief, FiefLending, FiefLatency,
                                   FiefExclusive)}
