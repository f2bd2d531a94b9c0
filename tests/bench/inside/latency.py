# SPDX-License-Identifier: GPL-2.0-only
"""The figures that are times: each runs in a world of two groups that a peer has under its care.

The first group is the one that is measured, the second one stands beside it.
"""

import os
import pathlib
import re
import subprocess
import time

import figures
import peers

PROBE = figures.PROBE
# Standard tools bring their own libraries along.
LIBRARIES = {**os.environ, "LD_LIBRARY_PATH": str(pathlib.Path(PROBE).parent / "lib")}
START_SECONDS = 1
# Threads that serve requests, how often each is woken on average, how long it then computes.
SERVERS, PERIOD_US, WORK_US = 4, 10000, 200

# The kernel's tracing directory makes an instance of every directory made there.
TRACE = pathlib.Path("/sys/kernel/tracing/instances/bench")
SWITCH = re.compile(r"\[(\d+)\].* (\d+\.\d+): sched_switch: .*next_pid=(\d+)")


def run_in(group, *command, **options):
    """What a command writes that runs in a group."""
    process = group.spawn(*map(str, command), stdout=subprocess.PIPE, text=True, **options)
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return output


def milliseconds(text):
    """The probe's nanoseconds, sorted."""
    return sorted(int(word) / 1e6 for word in text.split())


def distribution(times):
    """Percentiles, and a hundred and one points of the curve for the charts."""
    return {"ms, p50": figures.percentile(times, 0.5), "ms, p99": figures.percentile(times, 0.99),
            "ms, worst": times[-1], "samples": len(times),
            "curve": [round(figures.percentile(times, i / 100), 4) for i in range(101)]}


def reclaim(world, seconds):
    """Figure 5: the owner slept, the other group used its CPUs; the owner wakes."""
    owner, borrower = world.groups
    world.fill(borrower)
    time.sleep(START_SECONDS)
    due = os.cpu_count() * owner.weight / sum(group.weight for group in world.groups)
    times = milliseconds(run_in(owner, PROBE, "reclaim", os.cpu_count(), due, 2 * seconds, 300))
    return distribution(times)


def waking(world, seconds, mode, own_load):
    """Figures 6 and 7: threads that are woken, while every CPU has something else to do."""
    served, other = world.groups
    world.fill(other)
    if own_load:
        world.fill(served)
    time.sleep(START_SECONDS)
    return distribution(milliseconds(run_in(served, *world.peer.before_woken, PROBE, mode, SERVERS,
                                            seconds * 1000, PERIOD_US, WORK_US)))


def isolation(world, seconds):
    """Figure 8: how late a victim is woken alone, and beside processes that fork without end."""
    victim, neighbour = world.groups
    command = (*world.peer.before_woken, PROBE, "wake", SERVERS, seconds * 1000, PERIOD_US, WORK_US)
    alone = distribution(milliseconds(run_in(victim, *command)))
    neighbour.spawn(PROBE, "storm", str(2 * os.cpu_count()))
    time.sleep(START_SECONDS)
    beside = distribution(milliseconds(run_in(victim, *command)))
    return {**beside, "ms alone, p99": alone["ms, p99"], "curve alone": alone["curve"],
            "times the p99 alone": beside["ms, p99"] / alone["ms, p99"]}


def round_trips(world, seconds):
    """Figure 9: what a switch costs, with nothing else to do."""
    return {"per second": int(run_in(world.groups[0], PROBE, "pipe", seconds * 1000)) / seconds}


def perf_bench(world, *arguments):
    brought = pathlib.Path(PROBE).with_name("perf")
    perf, environment = (brought, LIBRARIES) if brought.exists() else ("perf", None)
    return float(run_in(world.groups[0], perf, "bench", "--format=simple", "sched", *arguments,
                        env=environment).split()[0])


def perf_pipe(world, _seconds):
    return {"s": perf_bench(world, "pipe", "--loop", 10000)}


def perf_messaging(world, _seconds):
    return {"s": perf_bench(world, "messaging", "--group", 2, "--nr_loops", 50)}


class Watched:
    """Tasks in every group that note their longest pause."""

    def __init__(self, world):
        self.probes = [group.spawn(PROBE, "gap", str(os.cpu_count()), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True) for group in world.groups]
        time.sleep(START_SECONDS)
        self.longest()

    def longest(self):
        """The longest pause of any task since the last call, in milliseconds."""
        for probe in self.probes:
            print(file=probe.stdin, flush=True)
        return max(max(milliseconds(probe.stdout.readline())) for probe in self.probes)


def quiet_gap(watched, seconds):
    watched.longest()
    time.sleep(seconds)
    return watched.longest()


def gap_across(world, seconds, event):
    """Figure 10: the longest pause of any task over some seconds with and without an event."""
    watched = Watched(world)
    quiet = quiet_gap(watched, seconds)
    event()
    time.sleep(seconds)
    across = watched.longest()
    return {"ms": across, "ms, nothing happens": quiet, "times that of before": across / quiet}


def daemon_killed(world, seconds):
    return gap_across(world, seconds, world.peer.kill)


def child_ended(world, seconds):
    return gap_across(world, seconds, lambda: world.peer.end_child(world.groups[-1]))


def reaction(world, seconds):
    """Figure 11: from a write to cpu.weight until the group's caps change, on a busy machine."""
    world.load(len(world.groups))
    time.sleep(START_SECONDS)
    group, times = world.groups[0], []
    caps = peers.caps_file(group)
    for turn in range(seconds * 5):
        weight = group.weight * (1 if turn % 2 else 10)
        done = subprocess.run([PROBE, "caps", caps, group.directory / "cpu.weight", str(weight)], check=True,
                              stdout=subprocess.PIPE, text=True)
        times.append(int(done.stdout) / 1e6)
        time.sleep(0.1)
    return distribution(sorted(times))


def rest(world, seconds):
    """Figure 12: times the daemon was woken, and its memory, with nothing changing."""
    return figures.daemon_at_rest(seconds)


def timeline(world, _seconds):
    """Who runs on one CPU, and when, while the owner of figure 5 sleeps, works and sleeps again."""
    owner, borrower = world.groups
    world.fill(borrower)
    time.sleep(START_SECONDS)
    TRACE.mkdir()
    (TRACE / "buffer_size_kb").write_text("8192")
    (TRACE / "events/sched/sched_switch/enable").write_text("1")
    process = owner.spawn(PROBE, "reclaim", str(os.cpu_count()), "4", "1", "200")
    # Its threads must be known while they are there; the first one only watches.
    members = {}
    while process.poll() is None:
        for name, group in (("owner", owner), ("borrower", borrower)):
            members.update({int(thread): name for thread in (group.directory / "cgroup.threads").read_text().split()})
        time.sleep(0.05)
    (TRACE / "events/sched/sched_switch/enable").write_text("0")
    switches = [found.groups() for found in map(SWITCH.search, (TRACE / "trace").read_text().splitlines()) if found]
    return one_cpu([(int(cpu), float(when) * 1000, members.get(int(pid), "others" if int(pid) else "idle"))
                    for cpu, when, pid in switches if int(pid) != process.pid])


def one_cpu(switches):
    """The CPU on which the owner ran most often: the milliseconds from which each of them had it,
    counted from the moment at which the owner woke after its longest sleep."""
    worked = [when for _, when, who in switches if who == "owner"]
    woke = max(zip(worked, worked[1:]), key=lambda pair: pair[1] - pair[0])[1]
    owned = [cpu for cpu, when, who in switches if who == "owner" and when >= woke]
    chosen = max(sorted(set(owned)), key=owned.count)
    changes = []
    for when, who in ((when - woke, who) for cpu, when, who in switches if cpu == chosen):
        if not changes or changes[-1][1] != who:
            changes.append((round(when, 3), who))
    return {"cpu": chosen, "changes": changes}


MEASURE = {
    "reclaim": reclaim,
    "wake": lambda world, seconds: waking(world, seconds, "wake", False),
    "request": lambda world, seconds: waking(world, seconds, "request", False),
    "wake, own load": lambda world, seconds: waking(world, seconds, "wake", True),
    "isolation": isolation,
    "pipe": round_trips,
    "perf pipe": perf_pipe,
    "perf messaging": perf_messaging,
    "daemon killed": daemon_killed,
    "child ended": child_ended,
    "reaction": reaction,
    "rest": rest,
    "timeline": timeline,
}
