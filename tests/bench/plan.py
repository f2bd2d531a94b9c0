# SPDX-License-Identifier: GPL-2.0-only
"""Which figures there are, who takes part in each, and what fief is held to.

Numbers and targets are those of the project's measuring guide; figures that are not listed here are
not measured yet.
"""

import dataclasses
from typing import Callable, Optional


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the report."""

    number: int
    title: str
    measure: str  # a key of MEASURE in inside/figures.py
    value: str  # which of the measured values
    cpus: int
    weights: tuple
    peers: tuple
    # The target: fief's value, or its ratio to Linux's, and the limit in words.
    judged: str  # "value" or "ratio"
    reached: Callable[[float], bool]
    target: str
    seconds: int = 20
    higher_is_better: bool = False
    note: Optional[str] = None


ALL = ("linux", "scx_qmap", "fief")
WEIGHTS = (100, 300, 250)

FIGURES = [
    Figure(1, "worst share error, every group busy", "shares", "error %", 8, WEIGHTS, ALL,
           "value", lambda v: v <= 1, "at most 1 %"),
    Figure(1, "the same at weights 100:100:300", "shares", "error %", 8, (100, 100, 300), ALL,
           "value", lambda v: v <= 1, "at most 1 %"),
    Figure(2, "worst share error, groups due less than a CPU", "shares", "error %", 4, (100, 100, 300, 100), ALL,
           "value", lambda v: v <= 2, "at most 2 %"),
    Figure(3, "CPUs used, every group busy", "shares", "CPUs used", 8, WEIGHTS, ALL,
           "ratio", lambda v: v >= 0.99, "at least 0.99 of linux", higher_is_better=True),
    Figure(4, "CPUs used by the one busy group of three", "one-busy", "CPUs used", 8, WEIGHTS,
           ("linux", "cpuset", "scx_qmap", "fief"),
           "ratio", lambda v: v >= 0.98, "at least 0.98 of linux", higher_is_better=True),
    Figure(11, "cpu.weight written until caps changed, p99, all busy", "reaction", "ms, p99", 4, (100, 100),
           ("scx_qmap", "fief"), "value", lambda v: v <= 10, "at most 10 ms of guest time",
           note="wall time of a guest with more CPUs than the host: an upper bound"),
    Figure(12, "times the daemon woke in a minute, at rest", "rest", "wakeups per minute", 4, (100, 100),
           ("fief",), "value", lambda v: v <= 4, "the watchdog alone", seconds=60),
    Figure(12, "memory of the daemon at rest, MiB", "rest", "MiB resident", 4, (100, 100),
           ("fief",), "value", lambda v: v <= 16, "at most 16 MiB", seconds=60),
]


def steps(figures, repeats, seconds=None):
    """The measurements that these figures need, by number of CPUs; peers take turns, A B B A."""
    by_cpus = {}
    for figure in figures:
        for repeat in range(repeats):
            order = figure.peers if repeat % 2 == 0 else tuple(reversed(figure.peers))
            for peer in order:
                step = {"measure": figure.measure, "peer": peer, "weights": list(figure.weights),
                        "seconds": min(seconds or figure.seconds, figure.seconds), "repeat": repeat}
                wanted = by_cpus.setdefault(figure.cpus, [])
                # One run may serve several figures.
                if step not in wanted:
                    wanted.append(step)
    return by_cpus
