# SPDX-License-Identifier: GPL-2.0-only
"""bpf_coverage.py SOURCE DIRECTORY…: a table of the lines of SOURCE/bpf/ that groups of tests have run in a
kernel, and the files and functions of which most has been run by none.

The directory of a group has the addresses of the instructions that ran, as tests/vm/guest --executed writes
them (executed), and what lay there, as tests/bpf/program_lines.cpp does (lines). What the verifier has found
dead in every load of a program has no code. Fails where so little has run that the measuring itself must
have failed."""

import bisect
import collections
import itertools
import json
import pathlib
import re
import sys

import coverage_table

# Where the package is built, and where everything else is.
SOURCES = [pathlib.PurePosixPath("/build/fief/bpf"), pathlib.PurePosixPath("/src/bpf")]
LEAST_PERCENT = 50
FUNCTIONS = 25
# The line with which a function or its macro begins.
HEAD = re.compile(r"^[a-zA-Z_].*\(")


def name_of(file):
    """The name below bpf/; None for what is not fief's."""
    for folder in SOURCES:
        if pathlib.PurePosixPath(file).is_relative_to(folder):
            return pathlib.PurePosixPath(file).relative_to(folder)
    return None


def lines_of(directory):
    """Of each source file: the lines that there is code for, and those that ran. A line ran if some of its
    instructions did, in one of the places where it was inlined, of one of the times it was loaded."""
    executed = sorted(int(line, 16) for line in (directory / "executed").read_text().split())
    there, ran = collections.defaultdict(set), collections.defaultdict(set)
    for function in map(json.loads, (directory / "lines").read_text().splitlines()):
        begin = int(function["address"], 16)
        names = [name_of(file) for file in function["files"]]
        ends = [offset for offset, _, _ in function["lines"][1:]] + [function["length"]]
        for (offset, file, line), end in zip(function["lines"], ends):
            if names[file] is None or offset == end or line == 0:
                continue
            there[names[file]].add(line)
            at = bisect.bisect_left(executed, begin + offset)
            if at < len(executed) and executed[at] < begin + end:
                ran[names[file]].add(line)
    return there, ran


def ranges(lines, missing):
    """The lines that are missing, those that follow each other among all lines as one range."""
    runs = [list(run) for is_missing, run in itertools.groupby(lines, missing.__contains__) if is_missing]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def by_function(source, name, lines):
    """The lines of a file, by the line with which their function begins."""
    text = pathlib.Path(source, "bpf", name).read_text().splitlines()
    heads = [number for number, line in enumerate(text, 1) if HEAD.match(line)]
    functions = collections.defaultdict(list)
    for line in sorted(lines):
        at = bisect.bisect_right(heads, line)
        functions[text[heads[at - 1] - 1].rstrip(" {") if at else ""].append(line)
    return functions


def least_covered_functions(source, there, ran):
    found = []
    for name in there:
        for head, lines in by_function(source, name, there[name]).items():
            missing = set(lines) - ran[name]
            found.append((-len(missing), str(name), head, lines, missing))
    print("\nfunctions with most lines that no test has run:")
    for _, name, head, lines, missing in sorted(found)[:FUNCTIONS]:
        if missing:
            print(f"  {len(missing):3} of {len(lines):3}  bpf/{name}: {head}\n{'':14}{ranges(lines, missing)}")


def main():
    source, *directories = map(pathlib.Path, sys.argv[1:])
    groups = {directory.name: lines_of(directory) for directory in directories}
    there = coverage_table.union(lines for lines, _ in groups.values())
    ran = {group: lines for group, (_, lines) in groups.items()}
    everything = coverage_table.union(ran.values())
    coverage_table.table("bpf", ran, there, everything)
    coverage_table.least_covered("bpf", there, everything)
    least_covered_functions(source, there, everything)
    if not there:
        sys.exit("bpf_coverage.py: no program of fief's was seen")
    if coverage_table.percent(everything, there, list(there)) < LEAST_PERCENT:
        sys.exit(f"bpf_coverage.py: less than {LEAST_PERCENT}% cannot be")


main()
