# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 600
"""A user with a service of their own (User= and Delegate=yes) delegates inside it, without an administrator and
with the real polkit beside: as far as the policy lets them, and at nobody's cost but their own."""

import pathlib

import machine
import pytest

# What systemd has given to the user is divided into two groups, each busy on every CPU.
# A file, because systemd would read the dollar signs of a command.
SCRIPT = pathlib.Path("/run/owner")
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
        SCRIPT.write_text(INSIDE)
        machine.run("systemd-run", "--quiet", f"--unit={self.name}", "--slice=demo.slice", "--property=User=nobody",
                    "--property=Delegate=yes", "--property=TimeoutStopSec=5", "--property=KillSignal=SIGKILL",
                    f"--property=CPUWeight={self.weight}", "/bin/sh", str(SCRIPT))
        machine.wait_for("the groups inside", lambda: self.inside("mine") and self.inside("main"))

    def inside(self, name):
        procs = self.directory / name / "cgroup.procs"
        return procs.exists() and procs.read_text()


@pytest.fixture
def owner():
    service = Owner("owner")
    yield service
    service.stop()


def as_owner(*arguments):
    return machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "fiefctl", *arguments,
                       check=False)


def used_inside(owner, seconds=4):
    """CPUs that the delegated group uses."""
    mine = machine.Service("mine")
    mine.directory = owner.directory / "mine"
    return machine.used_cpus(mine, seconds=seconds)[0]


def refused(why, *arguments):
    done = as_owner(*arguments)
    assert done.returncode == 1 and why in done.stderr, (arguments, done.returncode, done.stderr)


def write_policy(tenants):
    machine.write_policy({"delegations": [{"name": "owner", "cgroup": Owner("owner").path, "tenants": tenants},
                                          {"name": "other", "cgroup": machine.Service("other").path}]})


def test_owner_divides_what_is_theirs(owner, services, daemon):
    write_policy(tenants=1)
    daemon()
    other = services("other", 100)
    owner.start()
    machine.wait_for("both schedulers", lambda: machine.settled(owner, other), 120)
    others_caps = machine.kernel_caps(other.cgroup_id)

    refused("lasts until fiefd restarts", "attach", MINE)
    refused("no delegation above it lets", "set", "--runtime", other.path, "weight=10000")
    refused("or authenticate as an administrator", "set", "--runtime", owner.path, "weight=10000")
    assert as_owner("reload").returncode == 1

    attached = as_owner("attach", "--runtime", MINE)
    assert attached.returncode == 0, attached.stderr
    cgroup_id = (owner.directory / "mine").stat().st_ino
    assert machine.scheduler_directory(cgroup_id).exists()
    refused("has room for 1", "attach", "--runtime", f"{owner.path}/main")
    given = as_owner("set", "--runtime", MINE, "weight=300")
    assert given.returncode == 0, given.stderr
    machine.wait_for("the plan", lambda: machine.status()["as_planned"])
    # Three parts of four inside, while the neighbour has what it had.
    due = {path: machine.schedulers()[path]["entitlement"]["cpus"] for path in (owner.path, MINE)}
    assert due[MINE] == pytest.approx(0.75 * due[owner.path], rel=0.001) and due[MINE] > 1.3
    machine.wait_for("what is due inside", lambda: used_inside(owner) > 0.95 * due[MINE], 120)
    assert machine.kernel_caps(other.cgroup_id) == others_caps
    machine.check_division([owner, other], [1, 1])

    write_policy(tenants=0)
    machine.run("fiefctl", "reload")
    machine.wait_for("the tenant's scheduler to go", lambda: not machine.scheduler_directory(cgroup_id).exists())
    assert "(uid 65534" in machine.journal()
