# SPDX-License-Identifier: GPL-2.0-only
# guest: --runtimes --cpus 4 --memory 4096 --timeout 2400
"""What podman, containerd and systemd-nspawn make in life: selectors find it, it has its scheduler as long as it
lives, limits hold as without fief, and whatever comes and goes leaves nothing behind."""

import concurrent.futures
import json
import pathlib
import re
import secrets
import shutil
import time

import machine
import pytest

BOX = pathlib.Path("/usr/lib/fief-guest/box")
ARCHIVE = pathlib.Path("/tmp/box.tar")
IMAGE = "localhost/box"
PERSON = 1000
NAP = "while :; do sleep 1; done"
PINS = pathlib.Path("/sys/fs/bpf")
# message_ids.hpp
ATTACHED = "11dca6caba2f4c63bd9c82803b9b162e"
EXITED = ["55da7abfa05f4a7f96096e5ad4073ce6", "c14aa96e33e24459ab60b31022837e41"]
ANY_PODMAN = {"name": "podman", "cgroup_regex": r"/machine\.slice/libpod-[0-9a-f]{64}\.scope"}


class Podman:
    """podman, as somebody runs it with some options."""

    def __init__(self, *options, prefix=(), run_options=()):
        self.options = options
        self.prefix = prefix
        self.run_options = run_options

    def __call__(self, *arguments):
        return machine.run(*self.prefix, "podman", *self.options, *arguments).stdout.strip()

    def prepare(self):
        if "box" not in self("images", "--format={{.Repository}}"):
            self("import", str(ARCHIVE), IMAGE)

    def start(self, command, *options):
        """A container's id."""
        return self("run", "--detach", "--network=none", *self.run_options, *options, IMAGE, "sh", "-c", command)

    def pid(self, container):
        return int(self("inspect", "--format={{.State.Pid}}", container))

    def remove(self, container):
        self("rm", "--force", "--ignore", "--time=0", container)


class Ctr:
    """containerd's own client, in its namespace "default"."""

    def prepare(self):
        machine.run("systemctl", "start", "containerd.service")

    def start(self, command):
        container = secrets.token_hex(32)
        machine.run("ctr", "run", "--detach", "--null-io", "--env=PATH=/bin", "--rootfs", str(BOX), container,
                    "/bin/sh", "-c", command)
        return container

    def pid(self, container):
        tasks = (line.split() for line in machine.run("ctr", "tasks", "list").stdout.splitlines())
        return next(int(task[1]) for task in tasks if task[0] == container)

    def remove(self, container):
        machine.run("ctr", "tasks", "delete", "--force", container, check=False)
        machine.run("ctr", "containers", "delete", container, check=False)


class Quadlet(Podman):
    """podman in the foreground of a unit and inside its cgroup, as Quadlet runs it."""

    def start(self, command, *options):
        unit = secrets.token_hex(4)
        id_file = pathlib.Path(f"/run/{unit}.id")
        machine.run("systemd-run", "--quiet", "--collect", f"--unit=box-{unit}.service", "--property=Delegate=yes",
                    "podman", "run", "--cgroups=split", "--network=none", f"--cidfile={id_file}", *options,
                    IMAGE, "sh", "-c", command)
        container = machine.wait_for("the container", lambda: id_file.exists() and id_file.read_text())
        machine.wait_for("it to run", lambda: self.pid(container))
        return container


class Rootless(Podman):
    """podman of a person who is not root, in the cgroups of their own manager."""

    def __init__(self):
        runtime = f"/run/user/{PERSON}"
        super().__init__(prefix=("runuser", "--user", "person", "--", "env", "--chdir=/", "HOME=/home/person",
                                 f"XDG_RUNTIME_DIR={runtime}", f"DBUS_SESSION_BUS_ADDRESS=unix:path={runtime}/bus"))

    def __call__(self, *arguments):
        """Into files: what stays behind to hold the person's namespaces would keep a pipe open."""
        done = machine.run("sh", "-c", 'exec >/run/said 2>/run/warned; exec "$@"', "sh", *self.prefix, "podman",
                           *arguments, check=False)
        said, warned = (pathlib.Path(f"/run/{name}").read_text() for name in ("said", "warned"))
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{said}{warned}"
        return said.strip()

    def prepare(self):
        machine.run("loginctl", "enable-linger", "person")
        machine.wait_for("the person's bus", pathlib.Path(f"/run/user/{PERSON}/bus").exists)
        super().prepare()


RUNTIMES = {
    "podman": Podman(),
    "podman with runc": Podman("--runtime=runc"),
    "podman without systemd": Podman("--cgroup-manager=cgroupfs"),
    "podman in a slice": Podman(run_options=("--cgroup-parent=boxes-web.slice",)),
    "podman in a unit": Quadlet(),
    "rootless podman": Rootless(),
    "ctr": Ctr(),
}


@pytest.fixture(scope="module", autouse=True)
def archive():
    shutil.make_archive(str(ARCHIVE.with_suffix("")), "tar", BOX)
    yield
    machine.run("systemctl", "stop", "containerd.service", check=False)
    machine.run("loginctl", "disable-linger", "person", check=False)


@pytest.fixture
def containers():
    """Starts containers of a runtime; removes those that are left."""
    made = []

    def start(runtime, command=machine.SPIN, *options):
        runtime.prepare()
        container = runtime.start(command, *options)
        assert re.fullmatch("[0-9a-f]{64}", container)
        made.append((runtime, container))
        return container

    yield start
    for runtime, container in made:
        runtime.remove(container)


def group_of(pid, name):
    """The cgroup whose own name has that in it, of those that a process is in, as a service to be measured."""
    inside = pathlib.Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")
    group = machine.Service("measured")
    group.path = re.match(f".*{re.escape(name)}[^/]*", inside)[0]
    group.directory = machine.CGROUP_ROOT / group.path[1:]
    return group


def attached():
    return {path for path, shown in machine.schedulers().items() if path != "/" and shown["state"] == "attached"}


def wait_until_attached(*paths):
    machine.wait_for(f"a scheduler for {paths}", lambda: attached() >= set(paths), 120)
    assert attached() == set(paths)


def wait_until_nothing_is_left():
    machine.wait_for("its scheduler to go", lambda: not machine.kernel_children())
    machine.wait_for("fief to know", lambda: not attached())


def told(*messages):
    """The cgroups that entries of these kinds in the journal are about, in order."""
    lines = machine.run("journalctl", "--quiet", "--no-pager", "--output=json", "--boot",
                        *(f"MESSAGE_ID={message}" for message in messages)).stdout.splitlines()
    return [json.loads(line).get("FIEF_CGROUP") for line in lines]


def reload(*delegations):
    machine.write_policy({"delegations": list(delegations)})
    machine.run("fiefctl", "reload")


def has_short_name(text, container):
    return container[:12] in text and container[:13] not in text


@pytest.mark.parametrize("kind", RUNTIMES)
def test_a_container_is_found_by_its_id(kind, containers, daemon):
    runtime = RUNTIMES[kind]
    machine.write_policy({"delegations": []})
    daemon()
    chosen, other = containers(runtime), containers(runtime, NAP)
    group = group_of(runtime.pid(chosen), chosen)
    assert group.directory != group_of(runtime.pid(other), other).directory

    reload({"container": chosen[:12]})
    wait_until_attached(group.path)
    assert machine.kernel_children() == {group.cgroup_id}
    for command in (["tree"], ["status"], ["top", "--once"]):
        assert has_short_name(machine.run("env", "COLUMNS=120", "fiefctl", *command).stdout, chosen), command
    before = group.usage()
    machine.wait_for("it to run", lambda: group.usage() > before + 1)

    runtime.remove(chosen)
    wait_until_nothing_is_left()
    assert not told(*EXITED)


def test_update_limits_as_without_fief(containers, daemon):
    runtime = RUNTIMES["podman"]
    container = containers(runtime)
    group = group_of(runtime.pid(container), container)

    def limit(cpus):
        runtime("update", f"--cpus={cpus}", container)

    limit(0.5)
    linux = machine.used_cpus(group)[0]
    limit(3)
    machine.write_policy({"delegations": [{"container": container[:12]}]})
    daemon()
    wait_until_attached(group.path)
    machine.wait_for("more than it may have later", lambda: machine.used_cpus(group, seconds=2)[0] > 1)
    limit(0.5)
    assert linux == pytest.approx(0.5, rel=0.1)
    assert machine.used_cpus(group)[0] == pytest.approx(linux, rel=0.1)


def test_pause_restart_and_removal(containers, daemon):
    runtime = RUNTIMES["podman"]
    machine.write_policy({"delegations": [ANY_PODMAN]})
    daemon()
    container = containers(runtime)
    group = group_of(runtime.pid(container), container)
    wait_until_attached(group.path)
    first = group.cgroup_id

    runtime("pause", container)
    used = group.usage()
    time.sleep(3)
    assert group.usage() == pytest.approx(used, abs=0.05)
    assert machine.kernel_children() == {first}
    runtime("unpause", container)
    machine.wait_for("it to run on", lambda: group.usage() > used + 1)
    assert machine.kernel_children() == {first}

    runtime("restart", "--time=0", container)
    again = group_of(runtime.pid(container), container)
    assert again.path == group.path and again.cgroup_id != first
    machine.wait_for("its next scheduler", lambda: machine.kernel_children() == {again.cgroup_id}, 120)
    runtime.remove(container)
    wait_until_nothing_is_left()
    assert not told(*EXITED)


def test_a_machine_is_found_by_its_name(daemon):
    machine.write_policy({"delegations": [{"machine": "box"}]})
    daemon()
    machine.run("systemd-run", "--quiet", "--collect", "--unit=spawner.service", "systemd-nspawn", "--quiet",
                "--machine=box", f"--directory={BOX}", "/bin/sh", "-c", NAP)
    path = "/machine.slice/machine-box.scope"
    try:
        wait_until_attached(path)
        leader = machine.run("machinectl", "show", "--value", "--property=Leader", "box").stdout
        assert group_of(int(leader), "box").path == path
        assert machine.kernel_children() == {(machine.CGROUP_ROOT / path[1:]).stat().st_ino}
    finally:
        machine.run("machinectl", "terminate", "box", check=False)
    wait_until_nothing_is_left()
    assert not told(*EXITED)


def what_fief_has():
    """How many descriptors are open, and what is pinned."""
    descriptors = pathlib.Path(f"/proc/{machine.unit_property('MainPID')}/fd").iterdir()
    return len(list(descriptors)), {str(path) for path in PINS.rglob("*")}


def test_what_lives_briefly_costs_nothing(containers, daemon):
    runtime = RUNTIMES["podman"]
    runtime.prepare()
    machine.write_policy({"delegations": [ANY_PODMAN | {"min_age_ms": 30000}]})
    daemon()
    machine.wait_for("the daemon", lambda: machine.status()["as_planned"])
    attaches, had = len(told(ATTACHED)), what_fief_has()

    def live_briefly(_):
        runtime("run", "--rm", "--network=none", IMAGE, "true")

    with concurrent.futures.ThreadPoolExecutor(3) as three:
        list(three.map(live_briefly, range(30)))
    machine.wait_for("the last to be gone", lambda: not list(machine.CGROUP_ROOT.glob("machine.slice/libpod-*")))
    assert not machine.kernel_children()
    assert len(told(ATTACHED)) == attaches
    machine.wait_for("nothing of them to be left", lambda: what_fief_has() == had)

    lasting = containers(runtime, NAP)
    wait_until_attached(group_of(runtime.pid(lasting), lasting).path)
    runtime.remove(lasting)
    wait_until_nothing_is_left()
    machine.wait_for("what it had to be given back", lambda: what_fief_has() == had)
