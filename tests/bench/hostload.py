# SPDX-License-Identifier: GPL-2.0-only
"""What other programs make of this machine while something is measured on it."""

import os
import pathlib


def host_busy():
    """CPU seconds that anything on this machine has used so far."""
    user, nice, system, _, _, irq, softirq = map(int, pathlib.Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def processes():
    """Parent and CPU seconds, with those of children that have ended, of every process there is."""
    found = {}
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        found[int(directory.name)] = int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return found


def busy_below(ancestor):
    """CPU seconds used so far by a process and its descendants."""
    found = processes()

    def is_below(process):
        while process in found and process != ancestor:
            process = found[process][0]
        return process == ancestor

    return sum(used for process, (_, used) in found.items() if is_below(process))


class ForeignUse:
    """The part of the CPU time used that was not of this process and what it started."""

    def __init__(self):
        self.busy, self.ours = host_busy(), busy_below(os.getpid())

    def since_last(self):
        before = self.busy, self.ours
        self.busy, self.ours = host_busy(), busy_below(os.getpid())
        busy = self.busy - before[0]
        return max(0, busy - (self.ours - before[1])) / busy if busy else 0
