# SPDX-License-Identifier: GPL-2.0-only
"""second_try.py REPORT gtest PROGRAM FILTER | REPORT pytest ARGUMENT…: runs tests in a guest, and what failed
once more.

A guest's time is what the machine below leaves it, and much is measured there: who fails twice has failed.
REPORT is the JUnit file of both tries; what passed at the second is named on standard output. Where more has
failed than a busy machine explains, or the program died, there is no second try.
"""

import pathlib
import subprocess
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


class GTest:
    def __init__(self, program, filter_):
        self.program, self.filter = program, filter_

    def command(self, report, keys=None):
        chosen = ":".join(f"{class_}.{name}" for class_, name in keys) if keys else self.filter
        return [self.program, f"--gtest_filter={chosen}", f"--gtest_output=xml:{report}"]


class PyTest:
    def __init__(self, *arguments):
        self.arguments = arguments

    def command(self, report, keys=None):
        start = ["pytest-3", "-v", "-p", "no:cacheprovider", f"--junit-xml={report}"]
        if keys:
            return start + [f"{class_.replace('.', '/')}.py::{name}" for class_, name in keys]
        return start + list(self.arguments)


def run(runner, report, keys=None):
    """The report of a run, None where there is none, and its status."""
    report.unlink(missing_ok=True)
    status = subprocess.run(runner.command(report, keys), check=False).returncode
    return (ElementTree.parse(report) if report.exists() else None), status


def main(report, kind, *arguments):
    report = pathlib.Path(report)
    report.parent.mkdir(parents=True, exist_ok=True)
    runner = {"gtest": GTest, "pytest": PyTest}[kind](*arguments)
    first, status = run(runner, report)
    keys = failed(first) if first else []
    if not keys or len(keys) > AT_MOST:
        return status or int(first is None)
    print(f"== once more: {', '.join('.'.join(key) for key in keys)}", flush=True)
    second, status = run(runner, report.with_suffix(".second"), keys)
    report.with_suffix(".second").unlink(missing_ok=True)
    if second:
        merge(first, second)
        still = failed(first)
        for key in keys:
            print(f"== {'.'.join(key)}: {'failed twice' if key in still else 'passed at the second try'}")
        status = int(bool(still))
    first.write(report, encoding="UTF-8", xml_declaration=True)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
