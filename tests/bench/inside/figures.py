# SPDX-License-Identifier: GPL-2.0-only
"""The figures: what each one runs in the guest, and what it measures."""

import os
import pathlib
import subprocess
import time

import peers

BENCH = peers.CGROUPS / "bench"
PROBE = str(pathlib.Path(__file__).parent / "probe")
# Attaching, first placement and the first turns are not what a share is about.
SETTLE_SECONDS = 10


class World:
    """The groups of one measurement below /bench, under one peer's care."""

    def __init__(self, peer, weights):
        self.peer = peer
        self.groups = [peers.Group(name, weight) for name, weight in zip("abcdefgh", weights)]

    def __enter__(self):
        try:
            for group in self.groups:
                group.make()
            self.peer.start(self.groups)
        except Exception:
            # What comes next is to find nothing of this.
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        for group in self.groups:
            group.stop()
        self.peer.stop()
        for group in self.groups:
            group.remove()

    def load(self, busy):
        """Gives each of the first @busy groups a computing process for every CPU."""
        for group in self.groups[:busy]:
            self.fill(group)

    @staticmethod
    def fill(group, tasks=None):
        """Gives a group that many computing processes, by default one for every CPU."""
        for _ in range(tasks or os.cpu_count()):
            group.spin(PROBE, "spin")

    def used(self, seconds):
        """CPUs that each group used over that time."""
        return used_by(self.groups, seconds)


def used_by(groups, seconds):
    """CPUs that each of these groups used over that time."""
    before, started = [group.usage() for group in groups], time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - started
    return [(group.usage() - usage) / elapsed for group, usage in zip(groups, before)]


def shares(peer, seconds, weights, busy=None):
    """CPUs used by each group; by default all of them are busy."""
    with World(peer, weights) as world:
        world.load(busy or len(weights))
        time.sleep(SETTLE_SECONDS)
        return world.used(seconds)


def worst_error(used, weights):
    """The largest relative distance of a group's share from what its weight is worth, in percent."""
    total, weight_sum = sum(used), sum(weights)
    return max(abs(cpus / total * weight_sum / weight - 1) for cpus, weight in zip(used, weights)) * 100


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def status_fields(path):
    return dict(line.split(":", 1) for line in path.read_text().splitlines())


def times_woken(process):
    """How often the threads of a process have given up their CPUs to wait."""
    return sum(int(status_fields(status)["voluntary_ctxt_switches"]) for status in process.glob("task/*/status"))


def daemon_at_rest(seconds):
    """Times the daemon is woken in a minute, and its memory."""
    shown = subprocess.run(["systemctl", "show", "-P", "MainPID", "fiefd.service"], check=True,
                           capture_output=True, text=True)
    process = pathlib.Path("/proc", shown.stdout.strip())
    before = times_woken(process)
    time.sleep(seconds)
    return {"wakeups per minute": (times_woken(process) - before) * 60 / seconds,
            "MiB": int(status_fields(process / "status")["VmRSS"].split()[0]) / 1024}


def share_figure(peer, seconds, weights):
    used = shares(peer, seconds, weights)
    return {"error %": worst_error(used, weights), "CPUs used": sum(used), "CPUs of each": used}


def one_busy(peer, seconds, weights):
    return {"CPUs used": sum(shares(peer, seconds, weights, busy=1))}


MEASURE = {"shares": share_figure, "one-busy": one_busy}


def prepare():
    """Makes room for the groups, beside what systemd runs."""
    # Whoever measures must never wait for what is measured, of which the daemon has real-time priority itself.
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(50))
    (peers.CGROUPS / "cgroup.subtree_control").write_text("+cpu +cpuset")
    BENCH.mkdir()
    (BENCH / "cgroup.subtree_control").write_text("+cpu +cpuset")


def clean_up():
    """The reverse, but for controllers that stay switched on."""
    BENCH.rmdir()
