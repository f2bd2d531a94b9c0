# SPDX-License-Identifier: GPL-2.0-only
"""coverage.py FILE…: a table of the lines of daemon/ that groups of tests have run, from what gcov says of
each group, and the files of which most has been run by none."""

import collections
import json
import pathlib
import sys

import coverage_table

SOURCES = pathlib.PurePosixPath("/src/daemon")


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


def main():
    groups = {path.name: lines_of(path) for path in map(pathlib.Path, sys.argv[1:])}
    there = coverage_table.union(lines for lines, _ in groups.values())
    ran = {group: lines for group, (_, lines) in groups.items()}
    everything = coverage_table.union(ran.values())
    coverage_table.table("daemon", ran, there, everything)
    coverage_table.least_covered("daemon", there, everything)


main()
