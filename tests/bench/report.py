# SPDX-License-Identifier: GPL-2.0-only
"""Makes the table out of measured values."""

import statistics
import textwrap
import xml.sax.saxutils

import measure
import plan

HEADER = """\
fief beside its peers: {date}, fief {fief}, Linux {kernel}, {qemu}

Every value is the median of its runs, with the smallest and the largest in brackets: the spread.
The peers: linux is the kernel's own scheduler with cpu.weight; cpuset gives whole CPUs by partition;
scx_simple and scx_qmap are the kernel's example schedulers, scx_qmap with a child on every group;
fief has a child "fair" on every group, fief-latency the child "latency" on the first group, which keeps
one CPU of its own to wake on; fief-lending is that without such a CPU, and fief-exclusive lends none of
the first group's CPUs.
Guests on virtual time count instructions, so other programs of this machine cannot disturb them.
"""


def serves(run, figure, peer):
    return (run["peer"] == peer and run["measure"] == figure.measure and run["cpus"] == figure.cpus
            and tuple(run["weights"]) == figure.weights)


def measured(figure, peer, results):
    """The runs of one peer that serve a figure, in the order of the repeats."""
    return sorted((run for run in results if "result" in run and serves(run, figure, peer)),
                  key=lambda run: run["repeat"])


def failure(figure, peer, results):
    """Why a peer was not measured: the last line of what was said."""
    for run in results:
        if "failed" in run and serves(run, figure, peer):
            return run["failed"].strip().splitlines()[-1]
    return ""


def values_of(figure, peer, results):
    return [run["result"][figure.value] for run in measured(figure, peer, results)]


def brief(result):
    """What was measured, without the curves; or why it was not."""
    if "failed" in result:
        return "could not be measured: " + result["failed"]
    return {key: value for key, value in result["result"].items() if not isinstance(value, list)}


def doubt(figure, peer, results):
    """What other programs of the host may have done to these runs, in words; mostly nothing."""
    worst = max((run["foreign"] or 0 for run in measured(figure, peer, results)), default=0)
    return f"; doubtful: other programs used {worst:.0%} of this machine" if worst > measure.FOREIGN_LIMIT else ""


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def shown(values, why=""):
    """Median and range."""
    if not values:
        return f"could not be measured: {why}" if why else "not measured"
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))} to {number(max(values))})"


def ratio(figure, results):
    """The median of fief's value over the peer's, repeat by repeat; empty without both."""
    pairs = zip(values_of(figure, figure.ours, results), values_of(figure, figure.against, results))
    return [ours / theirs for ours, theirs in pairs]


def judged(figure, results):
    """The number that is held against the target; None if it was not measured."""
    values = ratio(figure, results) if figure.against else values_of(figure, figure.ours, results)
    return statistics.median(values) if values else None


def verdict(figure, results):
    value = judged(figure, results)
    if value is None:
        return "not judged"
    said = f"{number(value)} times {figure.against}'s, " if figure.against else ""
    return said + ("reached" if figure.within(value, figure.limit) else "MISSED")


def is_complete(figure, results, peers=None):
    """Whether everybody who takes part was measured."""
    return all(values_of(figure, peer, results) for peer in figure.peers if not peers or peer in peers)


def safe(figure, results):
    """Whether fief's value is far from what only a regression explains."""
    value = judged(figure, results)
    return value is not None and figure.within(value, figure.safe)


WHERE = {plan.DISK: "guest with {cpus} CPUs", plan.SNAPSHOT: "guest with {cpus} CPUs on virtual time",
         plan.HOST: "no guest"}


def conditions(figure, results, machine):
    """Where, for how long and how often, as it was. @machine: a real one, in words; empty: guests."""
    runs = measured(figure, figure.ours, results)
    parts = [machine or WHERE[figure.guest].format(cpus=figure.cpus)]
    if figure.guest != plan.HOST:
        parts.append(f"weights {':'.join(map(str, figure.weights))}")
        parts.append(f"{runs[0]['seconds'] if runs else figure.seconds} s")
    return ", ".join([*parts, "1 run" if len(runs) == 1 else f"{len(runs)} runs"])


def line(name, text):
    """A named line of a block; a long one goes on below."""
    return textwrap.fill(text, 110, initial_indent=f"      {name:15}", subsequent_indent=" " * 21)


def block(figure, results, machine):
    """What ran, every peer's value, the verdict."""
    better = "more" if figure.higher_is_better else "less"
    yield f"{figure.number:2}  {figure.title} ({figure.value}; {better} is better)"
    yield line("ran", figure.ran)
    yield line("in", conditions(figure, results, machine))
    for peer in figure.peers:
        yield line(peer, shown(values_of(figure, peer, results), failure(figure, peer, results))
                   + doubt(figure, peer, results))
    yield line("target", f"{figure.target}: {verdict(figure, results)}")
    if figure.note:
        yield line("note", figure.note)
    yield ""


def table(figures, document):
    made_with = document["made with"]
    lines = [HEADER.format(**made_with)]
    for figure in figures:
        lines += block(figure, document["results"], made_with.get("machine", ""))
    return "\n".join(lines)


def junit(figures, results):
    """One test for each figure: it fails when fief's value is beyond its safe limit."""
    cases = []
    for figure in figures:
        value = judged(figure, results)
        name = xml.sax.saxutils.quoteattr(f"{figure.number}: {figure.title}")
        said = xml.sax.saxutils.quoteattr(f"{value}, safe limit {figure.safe:g}")
        fault = "" if safe(figure, results) else f"<failure message={said}/>"
        cases.append(f'<testcase classname="bench" name={name}>{fault}</testcase>')
    failures = sum(not safe(figure, results) for figure in figures)
    return (f'<testsuite name="bench" tests="{len(cases)}" failures="{failures}">\n' + "\n".join(cases)
            + "\n</testsuite>\n")
