# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the guest tests: a daemon that is gone afterwards, services that are stopped."""

import machine
import pytest


@pytest.fixture(scope="session", autouse=True)
def catalog():
    machine.run("mkdir", "-p", "/etc/fief")


@pytest.fixture
def services():
    """Makes services; stops what it made."""
    made = []

    def make(name, weight=100, command=machine.SPIN, **where):
        service = machine.Service(name, weight, command, **where)
        service.start()
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()


@pytest.fixture
def daemon():
    """Starts fiefd; stops it and checks that nothing stays behind."""

    def start():
        machine.run("systemctl", "start", "fiefd.service")

    yield start
    machine.run("systemctl", "stop", "fiefd.service", check=False)
    machine.run("systemctl", "reset-failed", "fiefd.service", check=False)
    machine.run("fiefd", "--leave")
    machine.wait_for("the kernel's own scheduler", lambda: machine.kernel_state() == "disabled")
