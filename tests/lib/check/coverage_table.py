# SPDX-License-Identifier: GPL-2.0-only
"""What groups of tests have run of some files, as a table. Of each file there is a set of the lines that
there is code for, and for each group a set of those that it ran."""

import collections

LEAST_COVERED = 10
# A file of less has no place among them.
FEW_LINES = 20


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


def table(top, groups, there, everything):
    """By folder of the folder TOP; a single group is all of them."""
    columns = {**groups, "all": everything} if len(groups) > 1 else groups
    folders = collections.defaultdict(list)
    for name in sorted(there):
        folders[str(name.parent)].append(name)
    print(f"{top + '/':12}{'lines':>7}", *(f"{group:>9}" for group in columns))
    for folder, names in [*folders.items(), ("all of it", sorted(there))]:
        values = [percent(ran, there, names) for ran in columns.values()]
        print(f"{folder:12}{sum(len(there[name]) for name in names):7}", *(f"{value:8.1f}%" for value in values))


def least_covered(top, there, everything):
    files = [name for name in there if len(there[name]) >= FEW_LINES]
    print("\nleast covered, with the lines that no test has run:")
    for name in sorted(files, key=lambda name: percent(everything, there, [name]))[:LEAST_COVERED]:
        missing = len(there[name] - everything[name])
        print(f"  {percent(everything, there, [name]):5.1f}%  {top}/{name}: {missing} of {len(there[name])}")
