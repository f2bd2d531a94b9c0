# SPDX-License-Identifier: GPL-2.0-only
"""coverage.py FILE…: a table of the lines of daemon/ that groups of tests have run, from what gcov says of
each group, and the files of which most has been run by none."""

import collections
import json
import pathlib
import sys

SOURCES = pathlib.PurePosixPath("/src/daemon")
LEAST_COVERED = 10
# A file of less has no place among them.
FEW_LINES = 20


def lines_of(path):
    """Of each source file: the lines that there is code for, and those that ran."""
    there, ran = collections.defaultdict(set), collections.defaultdict(set)
    for document in map(json.loads, path.read_text().splitlines()):
        for file in document["files"]:
            source = pathlib.PurePosixPath(document["current_working_directory"], file["file"])
            if not source.is_relative_to(SOURCES):
                continue
            name = source.relative_to(SOURCES)
            there[name].update(line["line_number"] for line in file["lines"])
            ran[name].update(line["line_number"] for line in file["lines"] if line["count"])
    return there, ran


def union(groups):
    """The same lines, of all groups together."""
    total = collections.defaultdict(set)
    for lines in groups:
        for name, numbers in lines.items():
            total[name] |= numbers
    return total


def percent(ran, there, names):
    lines = sum(len(there[name]) for name in names)
    return 100 * sum(len(ran[name] & there[name]) for name in names) / lines if lines else 0


def table(groups, there, everything):
    folders = collections.defaultdict(list)
    for name in sorted(there):
        folders[str(name.parent)].append(name)
    print(f"{'daemon/':12}{'lines':>7}", *(f"{group:>9}" for group in groups), f"{'all':>9}")
    for folder, names in [*folders.items(), ("all of it", sorted(there))]:
        values = [percent(ran, there, names) for ran in [*groups.values(), everything]]
        print(f"{folder:12}{sum(len(there[name]) for name in names):7}", *(f"{value:8.1f}%" for value in values))


def least_covered(there, everything):
    files = [name for name in there if len(there[name]) >= FEW_LINES]
    print("\nleast covered, with the lines that no test has run:")
    for name in sorted(files, key=lambda name: percent(everything, there, [name]))[:LEAST_COVERED]:
        missing = len(there[name] - everything[name])
        print(f"  {percent(everything, there, [name]):5.1f}%  daemon/{name}: {missing} of {len(there[name])}")


def main():
    groups = {path.name: lines_of(path) for path in map(pathlib.Path, sys.argv[1:])}
    there = union(lines for lines, _ in groups.values())
    ran = {group: lines for group, (_, lines) in groups.items()}
    everything = union(ran.values())
    table(ran, there, everything)
    least_covered(there, everything)


main()
