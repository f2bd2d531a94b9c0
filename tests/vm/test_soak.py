# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 2048 --timeout 900
"""Everything that happens on a machine, at random and at once: no scheduler ends but by request, every
task goes on, and in the end the kernel holds what the policy says."""

import os
import pathlib
import random
import subprocess
import time

import machine

SECONDS = float(os.environ.get("FIEF_SOAK_MINUTES", "0.5")) * 60
EXITED = ["55da7abfa05f4a7f96096e5ad4073ce6", "c14aa96e33e24459ab60b31022837e41"]  # message_ids.hpp
CPUS = pathlib.Path("/sys/devices/system/cpu")
# Two that compute and one that wakes often: enough to keep four CPUs busy, on a machine that two real
# ones emulate.
WORK = "(while :; do :; done) & (while :; do :; done) & while :; do sleep 0.01; done"
FORKS = "i=0; while [ $i -lt 100 ]; do /bin/true & i=$((i+1)); done; wait"


class Turmoil:
    """Random events that a scheduler must live with."""

    def __init__(self, services, chance):
        self.services = services
        self.chance = chance
        self.offline = None
        self.detached = set()
        self.storms = []

    def tasks(self):
        return [int(pid) for s in self.services for pid in (s.directory / "cgroup.procs").read_text().split()]

    def cpu(self):
        return self.chance.randrange(machine.nr_cpus())

    def step(self):
        self.chance.choice([self.weight, self.weight, self.nice, self.pin, self.unpin, self.move, self.fork,
                            self.detach, self.hotplug])()
        self.storms = [storm for storm in self.storms if storm.poll() is None]

    def weight(self):
        self.chance.choice(self.services).set_weight(self.chance.randrange(1, 10000))

    def on_a_task(self, change):
        try:
            change(self.chance.choice(self.tasks()))
        except (OSError, IndexError):
            pass  # it has gone meanwhile, or the CPU that it is to run on has

    def nice(self):
        self.on_a_task(lambda pid: os.setpriority(os.PRIO_PROCESS, pid, self.chance.randrange(-20, 20)))

    def pin(self):
        self.on_a_task(lambda pid: os.sched_setaffinity(pid, {self.cpu()}))

    def unpin(self):
        self.on_a_task(lambda pid: os.sched_setaffinity(pid, range(machine.nr_cpus())))

    def move(self):
        target = self.chance.choice(self.services).directory / "cgroup.procs"
        self.on_a_task(lambda pid: target.write_text(str(pid)))

    def fork(self):
        if len(self.storms) < 2:
            procs = self.chance.choice(self.services).directory / "cgroup.procs"
            self.storms.append(subprocess.Popen(["/bin/sh", "-c", f"echo $$ >{procs}; {FORKS}"]))

    def detach(self):
        service = self.chance.choice(self.services)
        verb = "attach" if service in self.detached else "detach"
        machine.run("fiefctl", verb, "--runtime", service.path)
        self.detached ^= {service}

    def hotplug(self):
        if self.offline is None:
            self.offline = self.chance.randrange(1, machine.nr_cpus())
            self.set_online(0)
        else:
            self.set_online(1)
            self.offline = None

    def set_online(self, value):
        (CPUS / f"cpu{self.offline}" / "online").write_text(str(value))

    def calm(self):
        if self.offline is not None:
            self.hotplug()
        for service in self.detached:
            machine.run("fiefctl", "attach", "--runtime", service.path)
        for storm in self.storms:
            storm.wait()


def ends_in_the_journal():
    return machine.run("journalctl", "--quiet", "--no-pager", "--output=cat", "--boot",
                       *(f"MESSAGE_ID={message}" for message in EXITED)).stdout


def test_nothing_ends_but_by_request(services, daemon):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    all_four = [machine.Service(name) for name in "abcd"]
    machine.delegate(*all_four)
    daemon()
    all_four = [services(name, command=WORK) for name in "abcd"]
    machine.wait_for("four schedulers", lambda: machine.settled(*all_four), 120)
    sequence = (machine.SCHED_EXT / "enable_seq").read_text()
    turmoil = Turmoil(all_four, random.Random(seed))
    until = time.monotonic() + SECONDS
    try:
        while time.monotonic() < until:
            turmoil.step()
            assert machine.kernel_state() == "enabled"
            time.sleep(0.1)
    finally:
        turmoil.calm()
    machine.wait_for("the policy in force", lambda: machine.settled(*all_four), 120)
    assert machine.kernel_children() == {s.cgroup_id for s in all_four}
    assert (machine.SCHED_EXT / "enable_seq").read_text() == sequence
    assert not ends_in_the_journal()
    before = [s.usage() for s in all_four]
    machine.wait_for("each to have run", lambda: all(s.usage() > b for s, b in zip(all_four, before)))
