# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 2 --append isolcpus=1 --memory 2048 --timeout 300
"""With isolcpus= the kernel takes no sched_ext scheduler: fiefd says so once and is not started again."""

import machine

FINAL = "78"


def test_isolcpus_is_named():
    machine.run("systemctl", "start", "fiefd.service", check=False)
    machine.wait_for("the refusal", lambda: machine.unit_property("ActiveState") == "failed")
    assert machine.unit_property("ExecMainStatus") == FINAL
    assert machine.unit_property("NRestarts") == "0"
    assert "isolcpus=" in machine.journal()
    assert "sched_ext" not in machine.run("dmesg").stdout
