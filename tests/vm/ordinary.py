# SPDX-License-Identifier: GPL-2.0-only
"""Machines as they are: cgroups of any weight side by side and nested, some busy, some asleep, some both in
turn, beside what systemd runs. What each group is due is what cgroup v2 promises: siblings that want to run
divide by weight, and what one cannot use goes to the others at its level first. Linux alone is measured beside
it; where a group has few tasks it keeps to that less than one might think."""

import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import subprocess
import time

CGROUP_ROOT = pathlib.Path("/sys/fs/cgroup")
BUSY, ASLEEP, IN_TURNS = "busy", "asleep", "in turns"
TURN_SECONDS = 3
# A group that is worth less of the machine than this is not judged: a turn more or less would decide.
LEAST_SHARE = 0.02


@dataclasses.dataclass
class Group:
    """A cgroup; inner ones have groups in them, the others tasks."""

    path: str
    weight: int
    activity: str = BUSY
    tasks: int = 0
    delegated: bool = False
    pids: list = dataclasses.field(default_factory=list)

    @property
    def directory(self):
        return CGROUP_ROOT / self.path[1:]

    def usage(self):
        lines = (self.directory / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6

    def freeze(self, frozen):
        (self.directory / "cgroup.freeze").write_text("1" if frozen else "0")


def any_machine(seed, cpus):
    """Groups, parents first: 3 to 12 with tasks, on 2 to 4 levels below the root."""
    chance = random.Random(seed)
    groups, leaves = [], chance.randint(3, 12)
    tops = chance.randint(2, min(4, leaves))
    counts = [1] * tops
    for _ in range(leaves - tops):
        counts[chance.randrange(tops)] += 1
    for number, count in enumerate(counts):
        grow(chance, groups, f"/m{number}", count, chance.randint(1, 3), cpus)
    tasked = [group for group in groups if group.tasks]
    for group in tasked:
        group.activity = chance.choice((BUSY, BUSY, ASLEEP, IN_TURNS))
    tasked[0].activity = tasked[-1].activity = BUSY
    for group in chance.sample(groups, (len(groups) + 1) // 2):
        group.delegated = depth_of_delegations(groups, group) < 3
    return groups


def grow(chance, groups, path, leaves, depth, cpus):
    weight = chance.choice((50, 100, 100, 100, 200, 300, 500))
    if leaves == 1 or depth == 0:
        groups.append(Group(path, weight, tasks=chance.choice((1, 2, cpus, 2 * cpus, 50))))
        return
    groups.append(Group(path, weight))
    split = min(leaves, chance.randint(2, 4)) if depth > 1 else leaves
    counts = [1] * split
    for _ in range(leaves - split):
        counts[chance.randrange(split)] += 1
    for number, count in enumerate(counts):
        grow(chance, groups, f"{path}/{number}", count, depth - 1, cpus)


def depth_of_delegations(groups, group):
    return sum(other.delegated and group.path.startswith(other.path + "/") for other in groups)


def policy(groups):
    return {"delegations": [{"cgroup": group.path} for group in groups if group.delegated]}


@contextlib.contextmanager
def made(groups):
    """The machine with its tasks, none of which run yet; gone afterwards."""
    # systemd switches it on when a unit wants it.
    (CGROUP_ROOT / "cgroup.subtree_control").write_text("+cpu")
    try:
        for group in groups:
            group.directory.mkdir()
            (group.directory / "cpu.weight").write_text(str(group.weight))
            if not group.tasks:
                (group.directory / "cgroup.subtree_control").write_text("+cpu")
            else:
                group.freeze(True)
                group.pids = [spin(group) for _ in range(group.tasks)]
        yield
    finally:
        for group in reversed(groups):
            remove(group)


def spin(group):
    # The shell enters the cgroup itself, so nothing of it runs elsewhere first.
    script = f"echo $$ >{group.directory}/cgroup.procs; while :; do :; done"
    return subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)


def remove(group):
    if not group.directory.exists():
        return
    if group.tasks:
        group.freeze(False)
    (group.directory / "cgroup.kill").write_text("1")
    for process in group.pids:
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 30
    while "populated 1" in (group.directory / "cgroup.events").read_text():
        assert time.monotonic() < deadline, f"{group.path} does not get empty"
        time.sleep(0.05)
    group.directory.rmdir()


class Clock:
    """Lets the groups that work in turns do so, by freezing them, at the same moments in every run."""

    def __init__(self, groups):
        self.groups = [group for group in groups if group.tasks]

    def run(self, seconds):
        """Turns begin with all that are not asleep busy; ends with the last turn."""
        started = time.monotonic()
        for turn in range(round(seconds / TURN_SECONDS)):
            for index, group in enumerate(self.groups):
                group.freeze(self.rests(index, group, turn))
            time.sleep(max(0, started + (turn + 1) * TURN_SECONDS - time.monotonic()))

    @staticmethod
    def rests(index, group, turn):
        if group.activity == IN_TURNS:
            return (turn + index) % 2 == 1
        return group.activity == ASLEEP


def shares(groups, warm_up=6, seconds=12):
    """Part of the time used by all that each group with tasks has used."""
    tasked = [group for group in groups if group.tasks]
    clock = Clock(groups)
    # Who measures is never kept from measuring.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        clock.run(warm_up)
        before = [group.usage() for group in tasked]
        clock.run(seconds)
        used = [group.usage() - was for group, was in zip(tasked, before)]
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return {group.path: cpus / sum(used) for group, cpus in zip(tasked, used)}, sum(used) / seconds


def rule(groups, cpus, seconds=12, warm_up=6):
    """The part of the time that each group with tasks is due over these seconds."""
    tasked = [group for group in groups if group.tasks]
    turns = range(round(warm_up / TURN_SECONDS), round((warm_up + seconds) / TURN_SECONDS))
    due = dict.fromkeys((group.path for group in tasked), 0)
    for turn in turns:
        awake = {group.path for index, group in enumerate(tasked) if not Clock.rests(index, group, turn)}
        divide(groups, "", cpus, awake, due)
    return {path: cpus_due / sum(due.values()) for path, cpus_due in due.items()}


def divide(groups, above, cpus, awake, due):
    """Adds what those below a cgroup are due of its CPUs."""
    here = [group for group in groups if group.path.rpartition("/")[0] == above]
    room = {group.path: usable(groups, group, awake) for group in here}
    part = dict.fromkeys(room, 0)
    open_ = [group for group in here if room[group.path] > 0]
    left = min(cpus, sum(room.values()))
    while open_ and left > 1e-9:
        weights = sum(group.weight for group in open_)
        given = {group.path: min(room[group.path] - part[group.path], left * group.weight / weights)
                 for group in open_}
        for path, more in given.items():
            part[path] += more
        left -= sum(given.values())
        open_ = [group for group in open_ if room[group.path] - part[group.path] > 1e-9]
    for group in here:
        if group.tasks:
            due[group.path] += part[group.path]
        else:
            divide(groups, group.path, part[group.path], awake, due)


def usable(groups, group, awake):
    """CPUs that the tasks in and below a cgroup can use."""
    return sum(leaf.tasks for leaf in groups if leaf.path in awake and
               (leaf.path == group.path or leaf.path.startswith(group.path + "/")))


def distances(due, used):
    """How far each group's share is from what it is due, in parts of that."""
    return {path: abs(used[path] / share - 1) for path, share in due.items() if share >= LEAST_SHARE}
