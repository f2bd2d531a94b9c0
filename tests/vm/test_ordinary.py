# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 2400
# short: machine-1
"""Shares on ordinary machines: what cgroup v2 promises, whoever is delegated, sleeps, or has few tasks."""

import statistics

import machine
import ordinary
import pytest

MACHINES = 6


def show(groups, due, linux, fief):
    print("cgroup        weight tasks                        due  Linux   fief")
    for group in groups:
        words = f"{group.path:12} {group.weight:7} {group.tasks or '':5} {group.activity if group.tasks else '':9}" \
                f"{' delegated' if group.delegated else '':10}"
        print(words, *(f"{shares[group.path]:.3f} " for shares in (due, linux, fief) if group.tasks))


@pytest.mark.parametrize("seed", range(MACHINES), ids=lambda seed: f"machine-{seed}")
def test_shares_are_what_weights_are_worth(seed, daemon):
    groups = ordinary.any_machine(seed, machine.nr_cpus())
    due = ordinary.rule(groups, machine.nr_cpus())
    with ordinary.made(groups):
        linux, linux_cpus = ordinary.shares(groups)
        machine.write_policy(ordinary.policy(groups))
        daemon()
        delegated = {group.path for group in groups if group.delegated}
        machine.wait_for("schedulers everywhere", lambda: delegated <= {
            path for path, shown in machine.schedulers().items() if shown["state"] == "attached"}, 300)
        fief, fief_cpus = ordinary.shares(groups)
    show(groups, due, linux, fief)
    off, linux_off = ordinary.distances(due, fief), ordinary.distances(due, linux)
    print(f"worst {max(off.values()):.3f}, median {statistics.median(off.values()):.3f} from what is due; Linux "
          f"{max(linux_off.values()):.3f}, {statistics.median(linux_off.values()):.3f}; CPUs used {fief_cpus:.2f}, "
          f"{linux_cpus:.2f}")
    assert fief_cpus > 0.95 * linux_cpus
    # The emulator's own noise is a good part of this; and one task that is due most of a CPU loses some of it
    # at the end of each of its slices, under Linux still more.
    assert max(off.values()) < max(0.3, max(linux_off.values())), off
    assert statistics.median(off.values()) < 0.12, off
