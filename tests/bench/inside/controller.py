# SPDX-License-Identifier: GPL-2.0-only
"""The figures of what Linux's cpu controller promises: limits, weights at every level, and that everybody
runs; in groups that are delegated, below such, and not delegated; and shares on machines as they are."""

import contextlib
import os
import statistics
import subprocess
import time

import figures
import ordinary
import peers

# CPUs that a limited group may use: well below what it is due, so that only the limit holds it.
LIMITS = {"delegated": 0.4, "below": 0.3, "loose": 0.5}
# A window over which limits are looked at besides: ten periods.
WINDOW_SECONDS = 1
SAMPLE_SECONDS = 0.02
# cpu.weight and the number of tasks of each group below another.
BELOW = {"x": (100, 4), "y": (300, 100), "z": (250, 10)}
CROWD = 100


@contextlib.contextmanager
def more(*groups):
    """Groups that nobody delegates: beside those of a world, or below one of them."""
    for group in groups:
        group.make()
    try:
        yield groups
    finally:
        for group in reversed(groups):
            group.remove()


def end(*groups):
    """Ends what runs in all of these at once: beside others, whom little is due would need minutes."""
    for group in groups:
        group.kill()


def limits(peer, seconds, weights):
    """Figure 14: how close limited groups stay to their limits, altogether and in the worst second."""
    with figures.World(peer, weights) as world, \
            more(peers.Group("b/below", 100), peers.Group("loose", 100)) as (below, loose):
        limited = dict(zip((world.groups[0], below, loose), LIMITS.values()))
        for group, cpus in limited.items():
            group.limit(cpus)
            figures.World.fill(group)
        time.sleep(figures.SETTLE_SECONDS)
        samples = watch(limited, seconds)
        end(*limited)
        return limit_figures(samples, limited)


def watch(groups, seconds):
    """Moments and what each group had used by then."""
    samples, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        samples.append((time.monotonic(), [group.usage() for group in groups]))
        time.sleep(SAMPLE_SECONDS)
    return samples


def limit_figures(samples, limited):
    (first, used_first), (last, used_last) = samples[0], samples[-1]
    each = [(after - before) / (last - first) for before, after in zip(used_first, used_last)]
    errors = [abs(cpus / limit - 1) * 100 for cpus, limit in zip(each, limited.values())]
    worst = max(most_in_a_window(samples, which) / limit for which, limit in enumerate(limited.values()))
    return {"error %": max(errors), "times the limit": worst, "CPUs of each": each}


def most_in_a_window(samples, which):
    """CPUs that a group used in its busiest window."""
    most, start = 0, 0
    for end, (moment, used) in enumerate(samples):
        while moment - samples[start][0] > WINDOW_SECONDS:
            start += 1
        # Only windows of nearly full length: a short one may be all in one period.
        passed = moment - samples[start][0]
        if end > start and passed > 0.9 * WINDOW_SECONDS:
            most = max(most, (used[which] - samples[start][1][which]) / passed)
    return most


def weights_below(peer, seconds, weights):
    """Figure 15: the worst share error among the groups below a delegated one, and among others."""
    with figures.World(peer, weights) as world, more(peers.Group("loose", 100)) as (loose,):
        families = [[peers.Group(f"{above.name}/{name}", weight) for name, (weight, _) in BELOW.items()]
                    for above in (world.groups[0], loose)]
        with more(*families[0], *families[1]):
            figures.World.fill(world.groups[1])
            for family in families:
                for group, (_, tasks) in zip(family, BELOW.values()):
                    figures.World.fill(group, tasks)
            time.sleep(figures.SETTLE_SECONDS)
            used = figures.used_by([*families[0], *families[1]], seconds)
            end(*world.groups, *families[0], *families[1])
        due = [weight for weight, _ in BELOW.values()]
        each = [used[:len(due)], used[len(due):]]
        below, others = (figures.worst_error(family, due) for family in each)
        return {"error %": max(below, others), "error % below": below, "error % of others": others,
                "CPUs of each": each}


class Waiter:
    """A task that always wants to run and notes how long it could not."""

    def __init__(self, group, nice=0):
        self.probe = group.watch("nice", "-n", str(nice), figures.PROBE, "gap", "1", stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)

    def longest(self):
        """Seconds, since the last call."""
        print(file=self.probe.stdin, flush=True)
        return int(self.probe.stdout.readline()) / 1e9


def waits(peer, seconds, weights):
    """Figure 16: the longest wait of a task that little is due to."""
    with figures.World(peer, weights) as world, \
            more(peers.Group("crowd", 100), peers.Group("alone", 1)) as (crowd, alone):
        waiters = {"nice 19, delegated": Waiter(world.groups[1], 19), "nice 19, others": Waiter(crowd, 19),
                   "weight 1 beside 10,000": Waiter(alone)}
        figures.World.fill(world.groups[0])
        for group in (world.groups[1], crowd):
            figures.World.fill(group, CROWD)
        time.sleep(figures.SETTLE_SECONDS)
        for waiter in waiters.values():
            waiter.longest()
        time.sleep(seconds)
        each = {name: waiter.longest() for name, waiter in waiters.items()}
        end(*world.groups, crowd, alone)
        return {"s, longest": max(each.values()), **each}


class Delegations:
    """The cgroups of an ordinary machine, as a peer takes groups."""

    def __init__(self, group):
        self.path = group.path
        self.name = group.path.strip("/").replace("/", "-")


def ordinary_machines(peer, seconds, weights):
    """Figure 19: how far shares are from what cgroup v2 promises, on random machines of which a half of the groups is
    delegated; the number of machines stands where other figures have weights."""
    worst, medians = [], []
    for seed in range(weights[0]):
        groups = ordinary.any_machine(seed, os.cpu_count())
        with ordinary.made(groups):
            peer.start([Delegations(group) for group in groups if group.delegated])
            try:
                used, _ = ordinary.shares(groups, seconds=seconds)
            finally:
                peer.stop()
        off = ordinary.distances(ordinary.rule(groups, os.cpu_count(), seconds), used).values()
        worst.append(max(off) * 100)
        medians.append(statistics.median(off) * 100)
    return {"worst %": max(worst), "median %": statistics.median(medians), "worst of each": worst}


MEASURE = {"ordinary": ordinary_machines, "limits": limits, "weights below": weights_below, "waits": waits}
