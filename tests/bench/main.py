# SPDX-License-Identifier: GPL-2.0-only
"""Measures fief beside its peers, in guests on the real kernel, and prints one table.

How a figure is made: plan.py says who runs what, measure.py has it measured in a guest or on this
machine, report.py shows it. 0 also when a target is missed; 1 when something could not be measured.
"""

import argparse
import functools
import json
import os
import pathlib
import shutil
import signal
import sys

import measure
import plan
import report

QUICK_SECONDS = {plan.DISK: 10, plan.SNAPSHOT: 2}


def options():
    parser = argparse.ArgumentParser(prog="run", description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=int, nargs="+", metavar="N", help="these figures only",
                        choices=sorted({figure.number for figure in plan.FIGURES}))
    parser.add_argument("--peer", nargs="+", metavar="NAME", help="these peers only",
                        choices=sorted({peer for figure in plan.FIGURES for peer in figure.peers}))
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="runs of each peer (default 3)")
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--here", metavar="PROBE", type=pathlib.Path, help=argparse.SUPPRESS)  # for "here"
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path,
                        help="also writes what was measured, each result as it comes")
    parser.add_argument("--resume", metavar="FILE", type=pathlib.Path,
                        help="goes on with a file of --json where its run was cut short")
    parser.add_argument("--junit", metavar="FILE", type=pathlib.Path,
                        help="also writes whether fief is within wide, safe limits; 1 if it is not")
    return parser.parse_args()


def chosen(arguments):
    figures = [figure for figure in plan.FIGURES if not arguments.figure or figure.number in arguments.figure]
    return [figure for figure in figures if not arguments.here or is_possible_here(figure)]


def is_possible_here(figure):
    # Less than one CPU is due to a group on a machine of that size only.
    return ((figure.number != 2 or figure.cpus == os.cpu_count())
            and (not figure.measure.startswith("perf") or shutil.which("perf")))


def begun(arguments):
    """What there is before the first measurement: nothing, or what an earlier run of the same has left."""
    made_with = measure.versions_here() if arguments.here else measure.versions()
    if not arguments.resume:
        return {"made with": made_with, "results": []}
    document = json.loads(arguments.resume.read_text())
    for what in ("fief", "kernel", "qemu"):
        if document["made with"][what] != made_with[what]:
            sys.exit(f"run: {arguments.resume} was made with {what} {document['made with'][what]}, this is "
                     f"{made_with[what]}: their results cannot stand side by side")
    document["results"] = [result for result in document["results"] if "result" in result]
    return document


def is_done(step, results):
    return any(all(result[key] == value for key, value in step.items()) for result in results)


def results_of(figures, arguments, done):
    """Measures everything that is not done yet, result by result."""
    run_in = measure.RUN
    if arguments.here:
        on_this_machine = functools.partial(measure.here, arguments.here)
        run_in = {plan.DISK: on_this_machine, plan.SNAPSHOT: on_this_machine}
    for guest, run in run_in.items():
        steps = plan.steps(figures, guest, 1 if arguments.quick else arguments.repeats,
                           QUICK_SECONDS.get(guest) if arguments.quick else None)
        steps = [step for step in steps if (not arguments.peer or step["peer"] in arguments.peer)
                 and not is_done(step, done)]
        try:
            yield from run(steps)
        except measure.Failure as failure:
            print(f"run: {failure}", file=sys.stderr)


def main():
    # Ends as an error does, so that the guest and its files go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = options()
    figures, document = chosen(arguments), begun(arguments)
    results, file = document["results"], arguments.json or arguments.resume
    for result in results_of(figures, arguments, list(results)):
        print(f"   {result['peer']}, {result['measure']}: {report.brief(result)}", file=sys.stderr, flush=True)
        results.append(result)
        # A run that is broken off leaves what it has.
        if file:
            file.write_text(json.dumps(document, indent=1) + "\n")
    print(report.table(figures, document))
    if arguments.junit:
        arguments.junit.write_text(report.junit(figures, results))
        return 0 if all(report.safe(figure, results) for figure in figures) else 1
    return 0 if all(report.is_complete(figure, results, arguments.peer) for figure in figures) else 1


sys.exit(main())
