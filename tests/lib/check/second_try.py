# SPDX-License-Identifier: GPL-2.0-only
"""second_try.py gtest|pytest REPORT: names what has failed, as the program that ran it wants to be told.
second_try.py merge REPORT SECOND: puts the results of a second try in the place of those of the first; 0 if nothing
has failed twice.

A guest's time is what the machine below leaves it, and much is measured there: what fails is tried once more in a
fresh guest, and who fails twice has failed. Where more has failed than a busy machine explains, nothing is named.
Reports are JUnit files.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

# More is no chance.
AT_MOST = 4
BROKEN = ("failure", "error")


def cases(tree):
    """(class, name) → element, and the suite that it is in."""
    return {(case.get("classname"), case.get("name")): (case, suite)
            for suite in tree.iter("testsuite") for case in suite.findall("testcase")}


def broken(case):
    return any(case.find(kind) is not None for kind in BROKEN)


def failed(tree):
    return [key for key, (case, _) in cases(tree).items() if broken(case)]


def count_again(tree):
    """Makes the numbers of the suites those of their cases; gtest and pytest spell them alike."""
    for suite in tree.iter("testsuite"):
        for kind in BROKEN:
            suite.set(f"{kind}s", str(sum(case.find(kind) is not None for case in suite.findall("testcase"))))
    if tree.getroot().tag == "testsuites" and "failures" in tree.getroot().attrib:
        for kind in BROKEN:
            tree.getroot().set(f"{kind}s", str(sum(int(suite.get(f"{kind}s")) for suite in tree.iter("testsuite"))))


def merge(first, second):
    """The cases of the second try in place of those of the first."""
    before = cases(first)
    for key, (case, _) in cases(second).items():
        if key in before:
            old, suite = before[key]
            suite.insert(list(suite).index(old), case)
            suite.remove(old)
    count_again(first)


def as_gtest_filter(keys):
    return ":".join(f"{class_}.{name}" for class_, name in keys)


def as_pytest_ids(keys):
    return "\n".join(f"{class_.replace('.', '/')}.py::{name}" for class_, name in keys)


def name_failed(kind, report):
    keys = failed(ElementTree.parse(report))
    if 0 < len(keys) <= AT_MOST:
        print({"gtest": as_gtest_filter, "pytest": as_pytest_ids}[kind](keys))
    return 0


def merge_reports(report, second):
    first = ElementTree.parse(report)
    merge(first, ElementTree.parse(second))
    first.write(report, encoding="UTF-8", xml_declaration=True)
    pathlib.Path(second).unlink()
    return int(bool(failed(first)))


if __name__ == "__main__":
    sys.exit(merge_reports(*sys.argv[2:]) if sys.argv[1] == "merge" else name_failed(*sys.argv[1:]))
