# SPDX-License-Identifier: GPL-2.0-only
"""Makes the table out of measured values."""

import statistics

# Other programs of the host that use more than this part of it make a measurement doubtful.
FOREIGN_LIMIT = 0.02


def measured(figure, peer, results):
    """The runs of one peer that serve a figure, in the order of the repeats."""
    return sorted((r for r in results if r["peer"] == peer and r["measure"] == figure.measure
                   and r["cpus"] == figure.cpus and tuple(r["weights"]) == figure.weights),
                  key=lambda r: r["repeat"])


def values_of(figure, peer, results):
    return [run["result"][figure.value] for run in measured(figure, peer, results)]


def doubt(figure, peer, results):
    """What other programs of the host may have done to these runs, in words; mostly nothing."""
    worst = max((run["foreign"] for run in measured(figure, peer, results)), default=0)
    return f"; doubtful: other programs used {worst:.0%} of this machine" if worst > FOREIGN_LIMIT else ""


def shown(values):
    """Median and range."""
    if not values:
        return "not measured"
    text = f"{statistics.median(values):.2f}"
    return text if len(values) == 1 else f"{text} ({min(values):.2f} to {max(values):.2f})"


def ratio(figure, results):
    """The median of fief's value over Linux's, repeat by repeat; None without both."""
    pairs = list(zip(values_of(figure, "fief", results), values_of(figure, "linux", results)))
    return statistics.median(ours / theirs for ours, theirs in pairs) if pairs else None


def verdict(figure, results):
    ours = values_of(figure, "fief", results)
    judged = ratio(figure, results) if figure.judged == "ratio" else (statistics.median(ours) if ours else None)
    if judged is None:
        return "not judged"
    said = f"{judged:.3f} of linux, " if figure.judged == "ratio" else ""
    return said + ("reached" if figure.reached(judged) else "MISSED")


def table(figures, results):
    """One block a figure: what ran, every peer's value, fief's verdict."""
    lines = []
    for figure in figures:
        weights = ":".join(map(str, figure.weights))
        better = "higher" if figure.higher_is_better else "lower"
        lines.append(f"{figure.number:2}  {figure.title} ({figure.value}; {better} is better)")
        lines.append(f"      {figure.cpus} CPUs, weights {weights}, {figure.seconds} s, median (range)")
        lines += [f"      {peer:10} {shown(values_of(figure, peer, results))}{doubt(figure, peer, results)}" for peer in figure.peers]
        lines.append(f"      target     {figure.target}: {verdict(figure, results)}")
        if figure.note:
            lines.append(f"      note       {figure.note}")
        lines.append("")
    return "\n".join(lines)
