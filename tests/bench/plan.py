# SPDX-License-Identifier: GPL-2.0-only
"""Which figures there are, who takes part in each, and what fief is held to.

Numbers and targets are those of the project's measuring guide.
"""

import dataclasses

# Where a figure is measured.
DISK = "disk"  # a guest with a disk, all CPUs at once: shares of CPU time
SNAPSHOT = "snapshot"  # a guest on virtual time, every run from a saved state: latencies and costs
HOST = "host"  # no guest: planning


@dataclasses.dataclass(frozen=True)
class Figure:
    """One block of the report."""

    number: int
    title: str
    ran: str  # what ran, for somebody who has not read the code
    measure: str  # a key of MEASURE in inside/*.py, or the benchmark's name
    value: str  # which of the measured values
    peers: tuple  # the last one is fief
    limit: float  # the target
    safe: float  # what "tests/check bench" fails at: far away from noise
    against: str = ""  # the peer that fief's value is divided by; empty: fief's value itself is judged
    higher_is_better: bool = False
    guest: str = SNAPSHOT
    cpus: int = 8
    weights: tuple = (100, 100)
    seconds: int = 3
    note: str = ""

    @property
    def ours(self):
        return self.peers[-1]

    def within(self, judged, limit):
        return judged >= limit if self.higher_is_better else judged <= limit

    @property
    def target(self):
        """The target in words."""
        words = "at least" if self.higher_is_better else "at most"
        return f"{words} {self.limit:g}" + (f" times {self.against}'s" if self.against else "")


ALL = ("linux", "scx_qmap", "fief")
WAKING = ("linux", "real-time", "scx_qmap", "fief-lending", "fief-latency")
COST = ("linux", "scx_simple", "scx_qmap", "fief")
WEIGHTS = (100, 300, 250)
EVERY_GROUP = "every group has a computing process for each CPU"
SERVERS = ("4 threads that sleep about 10 ms and then compute 0.2 ms; another group of equal weight computes "
           "on every CPU")
REAL_TIME = "real-time: the same threads with real-time priority under Linux, the best that it can do for them"
LANDING = (f"{REAL_TIME}; fief-latency keeps one of its CPUs to wake on, as the scheduler latency does unasked, and "
           "fief-lending none")
STORM = "the same 4 threads beside 16 processes of another group that fork without end, over the same threads alone"

CONTROLLED = ("linux", "fief")
LIMITED = "three groups with computing processes for each CPU: one delegated, one below a delegated one, one not"
FAMILIES = "groups of weights 100, 300 and 250 with 4, 100 and 10 computing tasks, and another busy group"
LITTLE = ("tasks of nice 19 among 100 others, in a delegated group and in one that is not, and one task of a group of "
          "weight 1, beside a delegated group of weight 10,000")

ORDINARY = ("six random machines: 3 to 12 groups of random weights on up to 4 levels, with 1 to 50 tasks each, busy, "
            "asleep, or both in turn for 3 s; a half of the groups is delegated")

PLANNERS = ("hamilton", "webster", "rotate", "fief")
CHANGES = "4,000 random changes of one weight, 4 to 64 CPUs, 2 to 10 groups"
BASELINES = "whole CPUs by largest remainder, by odd divisors, and with the rest in equal turns as scx_qmap has it"

FIGURES = [
    Figure(1, "worst distance of a group's share from what its weight is worth", EVERY_GROUP, "shares", "error %",
           ALL, 1, 10, guest=DISK, weights=WEIGHTS, seconds=20),
    Figure(1, "the same at other weights", EVERY_GROUP, "shares", "error %",
           ALL, 1, 10, guest=DISK, weights=(100, 100, 300), seconds=20),
    Figure(2, "the same for groups that are due less than one CPU", EVERY_GROUP, "shares", "error %",
           ALL, 2, 20, guest=DISK, cpus=4, weights=(100, 100, 300, 100), seconds=20),
    Figure(3, "CPUs that all groups used together", EVERY_GROUP, "shares", "CPUs used",
           ALL, 0.99, 0.9, "linux", True, guest=DISK, weights=WEIGHTS, seconds=20),
    Figure(4, "CPUs that the only busy group of three used", "one group has a computing process for each CPU",
           "one-busy", "CPUs used", ("linux", "cpuset", "scx_qmap", "fief"),
           0.98, 0.9, "linux", True, guest=DISK, weights=WEIGHTS, seconds=20),
    Figure(5, "an owner that slept wakes: until it has 90 % of its CPUs, median",
           "8 threads of the owner wake while another group of equal weight computes on every CPU; "
           "the start of the first 20 ms in which they had 90 % of what they are due", "reclaim", "ms, p50",
           ALL, 1, 10, "linux", seconds=10),
    Figure(6, "how late a thread runs that its timer woke, on a busy machine, p99", SERVERS, "wake", "ms, p99",
           WAKING, 0.15, 5, "linux", seconds=5, note=LANDING),
    Figure(6, "the same for a thread that another one wrote to", SERVERS, "request", "ms, p99",
           WAKING, 0.15, 5, "linux", note=LANDING),
    Figure(7, "how late a thread runs that its timer woke, on a busy machine, p50", SERVERS, "wake", "ms, p50",
           WAKING, 0.5, 10, "linux", seconds=5, note=LANDING),
    Figure(7, "the same for a thread that another one wrote to", SERVERS, "request", "ms, p50",
           WAKING, 0.5, 20, "linux", note=LANDING),
    Figure(8, "isolation: waking p99 beside a fork storm, in times of that alone", STORM, "isolation",
           "times the p99 alone", ("linux", "real-time", "cpuset", "scx_qmap", "fief-lending", "fief-latency"),
           1.2, 100, "cpuset", note=LANDING),
    Figure(8, "the same with the victim's CPUs exclusive", STORM, "isolation",
           "times the p99 alone", ("linux", "cpuset", "fief-exclusive"), 1, 100, "cpuset"),
    Figure(9, "a byte to another process and back", "two processes of one group and nothing else", "pipe",
           "per second", COST, 1.2, 0.4, "linux", True),
    Figure(9, "perf bench sched pipe", "10,000 round trips of two processes and nothing else", "perf pipe", "s",
           COST, 1.05, 3, "linux"),
    Figure(9, "perf bench sched messaging", "2 groups of 40 processes, 50 messages each, and nothing else",
           "perf messaging", "s", COST, 1.0, 5, "linux"),
    Figure(10, "longest pause of any task across kill -9 of the daemon, in times of that before",
           "2 groups with 8 computing threads each", "daemon killed", "times that of before", ("fief",), 1.1, 1000,
           seconds=8, note="scx_qmap has no daemon: when its loader is killed, its schedulers end"),
    Figure(10, "longest pause of any task while a group's scheduler ends", "2 groups with 8 computing threads each",
           "child ended", "ms", ("scx_qmap", "fief"), 0.5, 100, "scx_qmap", seconds=5,
           note="fief starts the scheduler again within these seconds, scx_qmap does not"),
    Figure(11, "cpu.weight is written until the kernel's caps of the group have changed, p99",
           "2 groups compute on every CPU", "reaction", "ms, p99", ("scx_qmap", "fief"), 5, 500, seconds=4),
    Figure(12, "how often the daemon woke in a minute in which nothing changed", "2 groups without tasks", "rest",
           "wakeups per minute", ("fief",), 4, 30, seconds=60, note="4: systemd's watchdog alone"),
    Figure(12, "memory of the daemon, resident", "the same", "rest", "MiB", ("fief",), 16, 32, seconds=60),
    Figure(13, "planning after a change of one weight, 512 CPUs, 1,024 groups", "fief's planner, on this machine",
           "plan/one_weight/512/1024", "ms", ("fief",), 1, 10, guest=HOST),
    Figure(13, "planning from nothing, 512 CPUs, 1,024 groups", "the same", "plan/cold/512/1024", "ms",
           ("fief",), 1, 10, guest=HOST),
    Figure(13, "planning from nothing, 8,192 CPUs, 10,000 groups", "the same", "plan/cold/8192/10000", "ms",
           ("fief",), 50, 500, guest=HOST),
    Figure(13, "worst distance of a group's plan from its due, mean over the changes", CHANGES, "plan_compare",
           "error %", PLANNERS, 0.1, 1, guest=HOST, note=BASELINES),
    Figure(13, "CPUs that get another owner with a change of one weight", CHANGES, "plan_compare",
           "CPUs moved", PLANNERS, 1, 2, "hamilton", guest=HOST, note=BASELINES),
    Figure(14, "worst distance of a limited group from its cpu.max", LIMITED, "limits", "error %", CONTROLLED, 5, 20,
           guest=DISK, cpus=4, seconds=20),
    Figure(14, "the most that one of them used in any second, in times of its limit", LIMITED, "limits",
           "times the limit", CONTROLLED, 1, 3, "linux", guest=DISK, cpus=4, seconds=20),
    Figure(15, "worst share error of groups below a delegated one, and below one that is not", FAMILIES,
           "weights below", "error %", CONTROLLED, 3, 15, guest=DISK, seconds=20),
    Figure(16, "longest wait of a task to which little is due", LITTLE, "waits", "s, longest", CONTROLLED, 3, 6,
           guest=DISK, cpus=4, weights=(10000, 100), seconds=20),
    Figure(19, "shares on ordinary machines: distance from what weights are worth, worst group of all", ORDINARY,
           "ordinary", "worst %", CONTROLLED, 5, 100, guest=DISK, cpus=4, weights=(6,), seconds=12,
           note="due: siblings that want to run divide by weight, and what one cannot use goes to its level first"),
    Figure(19, "the same, median group of the median machine", ORDINARY, "ordinary", "median %", CONTROLLED, 2, 20,
           guest=DISK, cpus=4, weights=(6,), seconds=12),
    Figure(18, "CPU time of the daemon for one changed weight, until the plan with it holds, median",
           "1,000 children, 10,000 cgroups and 512 CPUs, over the model kernel, whose work is counted too", "turn",
           "ms", ("fief",), 5, 50, guest=HOST),
]

# Measured beside a figure for a chart: measure, peers.
TIMELINE = Figure(5, "", "", "timeline", "", ("linux", "fief"), 0, 0)


def step(figure, peer, repeat, seconds):
    return {"measure": figure.measure, "peer": peer, "weights": list(figure.weights), "cpus": figure.cpus,
            "seconds": min(seconds or figure.seconds, figure.seconds), "repeat": repeat}


def steps(figures, guest, repeats, seconds=None):
    """The measurements that these figures need of one kind of guest; peers take turns, A B B A."""
    wanted = []
    for repeat in range(repeats):
        here = [figure for figure in figures if figure.guest == guest]
        if repeat == 0 and any(figure.measure == "reclaim" for figure in here):
            here.append(TIMELINE)
        made = [step(figure, peer, repeat, seconds) for figure in here for peer in figure.peers]
        # One run may serve several figures.
        made = [one for i, one in enumerate(made) if one not in made[:i]]
        wanted += made if repeat % 2 == 0 else reversed(made)
    return wanted
