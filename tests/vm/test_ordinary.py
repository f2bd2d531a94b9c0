# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 2400
# short: machine-1
"""Shares on ordinary machines: under fief as under Linux alone, whoever is delegated and whoever sleeps."""

import statistics

import machine
import ordinary
import pytest

MACHINES = 6


@pytest.mark.parametrize("seed", range(MACHINES), ids=lambda seed: f"machine-{seed}")
def test_shares_are_those_of_linux(seed, daemon):
    groups = ordinary.any_machine(seed, machine.nr_cpus())
    with ordinary.made(groups):
        linux, linux_cpus = ordinary.shares(groups)
        machine.write_policy(ordinary.policy(groups))
        daemon()
        delegated = {group.path for group in groups if group.delegated}
        machine.wait_for("schedulers everywhere", lambda: delegated <= {
            path for path, shown in machine.schedulers().items() if shown["state"] == "attached"}, 300)
        fief, fief_cpus = ordinary.shares(groups)
        off = ordinary.distances(linux, fief)
        for group in groups:
            if group.tasks:
                print(f"{group.path:12} weight {group.weight:4} {group.tasks:3} {group.activity:9}"
                      f"{' delegated' if group.delegated else '':11} {linux[group.path]:.3f} {fief[group.path]:.3f}"
                      f" {100 * off.get(group.path, 0):.1f} %")
            else:
                print(f"{group.path:12} weight {group.weight:4}{' delegated' if group.delegated else ''}")
        print(f"CPUs used: {linux_cpus:.2f} {fief_cpus:.2f}")
    assert fief_cpus > 0.97 * linux_cpus
    assert max(off.values()) < 0.15, off
    assert statistics.median(off.values()) < 0.06, off
