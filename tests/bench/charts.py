# SPDX-License-Identifier: GPL-2.0-only
"""charts.py DIRECTORY: draws charts of the measurements that come in as JSON, and writes a page that
shows them. Called by plot, in the tree that has matplotlib."""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("svg")
# The same numbers give the same files.
matplotlib.rcParams.update({"svg.hashsalt": "fief", "svg.fonttype": "none", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False})

from matplotlib import pyplot  # noqa: E402  the backend comes first

import plan  # noqa: E402
import report  # noqa: E402

COLOURS = {"linux": "#555555", "real-time": "#aaaaaa", "cpuset": "#b8860b", "scx_simple": "#8c6bb1",
           "scx_qmap": "#d95f02", "fief": "#1b7837", "fief-latency": "#1b7837",
           "fief-lending": "#a6dba0", "fief-exclusive": "#5aae61"}
BY_WHOM = {"owner": "#1b7837", "borrower": "#d9a441", "others": "#555555", "idle": "#eeeeee"}
PAGE = """\
# Measured beside its peers

Made by `tests/bench/run --json FILE` and `tests/bench/plot FILE` on {date}, with fief {fief}, Linux {kernel}
and {qemu}. Everything runs in emulated guests, so only the comparison counts: peers and fief ran in the
same guest, in turns.

{charts}

## All figures

```
{table}
```
"""


def save(figure, directory, name):
    figure.savefig(directory / name, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


def runs(results, measure, **wanted):
    return [r for r in results if "result" in r and r["measure"] == measure
            and all(r[key] == value for key, value in wanted.items())]


def medians(lists):
    """The median of every position of equally long lists."""
    return [statistics.median(values) for values in zip(*lists)]


def shares(results, directory):
    """CPUs that each group used, beside what its weight is worth."""
    worlds = sorted({(r["cpus"], tuple(r["weights"])) for r in runs(results, "shares")}, reverse=True)
    if not worlds:
        return None
    figure, axes = pyplot.subplots(1, len(worlds), figsize=(3.2 * len(worlds), 2.8), squeeze=False)
    for plot, (cpus, weights) in zip(axes[0], worlds):
        due = [cpus * weight / sum(weights) for weight in weights]
        peers = [peer for peer in plan.ALL if runs(results, "shares", peer=peer, cpus=cpus, weights=list(weights))]
        for i, peer in enumerate(peers):
            used = medians(r["result"]["CPUs of each"] for r in
                           runs(results, "shares", peer=peer, cpus=cpus, weights=list(weights)))
            places = [group + (i - (len(peers) - 1) / 2) * 0.25 for group in range(len(weights))]
            plot.bar(places, used, 0.22, color=COLOURS[peer], label=peer)
        for group, ideal in enumerate(due):
            plot.hlines(ideal, group - 0.42, group + 0.42, color="black", linewidth=1,
                        label="due" if group == 0 else None)
        plot.set(title=f"{cpus} CPUs", xticks=range(len(weights)), xticklabels=[f"weight\n{w}" for w in weights])
    axes[0][0].set_ylabel("CPUs used")
    axes[0][-1].legend(frameon=False)
    save(figure, directory, "shares.svg")
    return "Shares of CPU time with every group busy; the line is what each weight is worth."


def curve(plot, results, measure, key, peer, **style):
    found = [r["result"][key] for r in runs(results, measure, peer=peer)]
    if found:
        plot.plot([max(value, 0.01) for value in medians(found)], range(101), color=COLOURS[peer], **style)


def latencies(results, directory):
    """How late woken threads ran: on a busy machine, and beside a fork storm."""
    if not runs(results, "wake") and not runs(results, "isolation"):
        return None
    figure, (busy, storm) = pyplot.subplots(1, 2, figsize=(8, 2.8), sharey=True)
    for peer in ("linux", "scx_qmap", "fief-latency"):
        curve(busy, results, "wake", "curve", peer, label=peer)
    for peer in ("linux", "cpuset", "scx_qmap", "fief-latency", "fief-exclusive"):
        lending = "--" if peer == "fief-exclusive" else "-"
        curve(storm, results, "isolation", "curve", peer, label=peer, linestyle=lending)
    busy.set(title="beside computing tasks", ylabel="% of wakings not later than", xlabel="ms")
    storm.set(title="beside a fork storm", xlabel="ms")
    for plot in (busy, storm):
        plot.set_xscale("log")
        plot.legend(frameon=False)
    save(figure, directory, "latency.svg")
    return "How late a thread runs that its timer woke."


def timeline(results, directory):
    """Who had one CPU while its owner slept, woke, worked, and slept again."""
    found = {r["peer"]: r["result"]["changes"] for r in runs(results, "timeline")}
    if not found:
        return None
    figure, axes = pyplot.subplots(len(found), 1, figsize=(8, 0.9 * len(found) + 0.8), sharex=True, squeeze=False)
    for plot, (peer, changes) in zip(axes[:, 0], found.items()):
        ends = [when for when, _ in changes[1:]] + [260]
        for whom, colour in BY_WHOM.items():
            spans = [(start, end - start) for (start, who), end in zip(changes, ends) if who == whom]
            plot.broken_barh(spans, (0, 1), facecolors=colour, label=whom)
        plot.set(yticks=[0.5], yticklabels=[peer], xlim=(-40, 260))
    axes[-1][0].set_xlabel("ms since the owner woke; it works for 220 ms")
    axes[0][0].legend(ncols=4, frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    save(figure, directory, "timeline.svg")
    return ("One CPU while its owner sleeps, wakes and sleeps again, and another group always wants to run. "
            "Where fief is, the owner has the CPU alone; where Linux is, the two divide every CPU.")


def main():
    directory, document = pathlib.Path(sys.argv[1]), json.load(sys.stdin)
    drawn = {}
    for draw in (shares, latencies, timeline):
        if caption := draw(document["results"], directory):
            drawn[f"{draw.__name__}.svg".replace("latencies", "latency")] = caption
    charts = "\n\n".join(f"![{caption}]({name})\n\n{caption}" for name, caption in drawn.items())
    measured = [figure for figure in plan.FIGURES if report.judged(figure, document["results"]) is not None]
    text = PAGE.format(**document["made with"], charts=charts, table=report.table(measured, document).rstrip())
    (directory / "README.md").write_text(text)


main()
