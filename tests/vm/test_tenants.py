# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 600
"""A user with a service of their own (User= and Delegate=yes) delegates inside it, without an administrator and
with the real polkit beside: as far as the policy lets them, and at nobody's cost but their own."""

import machine
import pytest

# What systemd has given to the user is divided into two groups, each busy on every CPU.
INSIDE = f"""
cd /sys/fs/cgroup/demo.slice/owner.service && mkdir main mine && echo $$ > main/cgroup.procs &&
echo +cpu > cgroup.subtree_control || exit 1
sh -c 'echo $$ > mine/cgroup.procs; {machine.SPIN}' &
{machine.SPIN}
"""
MINE = "/demo.slice/owner.service/mine"


class Owner(machine.Service):
    """A service that runs as somebody else, who owns its cgroup."""

    def start(self):
        machine.run("systemd-run", "--quiet", f"--unit={self.name}", "--slice=demo.slice", "--property=User=nobody",
                    "--property=Delegate=yes", "--property=TimeoutStopSec=5", "--property=KillSignal=SIGKILL",
                    f"--property=CPUWeight={self.weight}", "/bin/sh", "-c", INSIDE)
        machine.wait_for("the groups inside", lambda: self.inside("mine") and self.inside("main"))

    def inside(self, name):
        procs = self.directory / name / "cgroup.procs"
        return procs.exists() and procs.read_text()


@pytest.fixture
def owner():
    service = Owner("owner")
    service.start()
    yield service
    service.stop()


def as_owner(*arguments):
    return machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "fiefctl", *arguments,
                       check=False)


def times_more(owner):
    """How much more CPU time the one group inside gets than the other, at present."""
    groups = [machine.Service("inside"), machine.Service("inside")]
    for group, name in zip(groups, ("mine", "main")):
        group.directory = owner.directory / name
    mine, main = machine.used_cpus(*groups, seconds=4)
    return mine / main


def refused(why, *arguments):
    done = as_owner(*arguments)
    assert done.returncode == 1 and why in done.stderr, (arguments, done.returncode, done.stderr)


def test_owner_divides_what_is_theirs(owner, services, daemon, whole_machine):
    other = services("other", 100)
    machine.write_policy({"delegations": [{"name": "owner", "cgroup": owner.path, "tenants": 1},
                                          {"name": "other", "cgroup": other.path}]})
    daemon()
    machine.wait_for("both schedulers", lambda: machine.settled(owner, other), 120)
    others_caps = machine.kernel_caps(other.cgroup_id)

    refused("lasts until fiefd restarts", "attach", MINE)
    refused("no delegation above /demo.slice/other.service lets", "set", "--runtime", other.path, "weight=10000")
    refused("nor as the cgroup's owner", "set", "--runtime", owner.path, "weight=10000")
    assert as_owner("reload").returncode == 1

    attached = as_owner("attach", "--runtime", MINE)
    assert attached.returncode == 0, attached.stderr
    cgroup_id = (owner.directory / "mine").stat().st_ino
    assert machine.scheduler_directory(cgroup_id).exists()
    refused("has room for 1", "attach", "--runtime", f"{owner.path}/main")
    given = as_owner("set", "--runtime", MINE, "weight=300")
    assert given.returncode == 0, given.stderr
    machine.wait_for("the plan", lambda: machine.status()["as_planned"])
    # Three parts to one inside, while the neighbour has what it had.
    machine.wait_for("the shares inside", lambda: 2.6 < times_more(owner) < 3.4, 120)
    assert machine.kernel_caps(other.cgroup_id) == others_caps
    machine.check_division([owner, other], [1, 1])

    machine.write_policy({"delegations": [{"name": "owner", "cgroup": owner.path},
                                          {"name": "other", "cgroup": other.path}]})
    machine.run("fiefctl", "reload")
    machine.wait_for("the tenant's scheduler to go", lambda: not machine.scheduler_directory(cgroup_id).exists())
    assert "(uid 65534" in machine.journal()
