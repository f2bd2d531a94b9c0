# SPDX-License-Identifier: GPL-2.0-only
# guest: --runtimes --cpus 4 --memory 4096 --timeout 1800
"""What a pod's annotations ask for its containers have from their first instruction on: containerd, as a kubelet
drives it, with the plugin fief-nri."""

import json
import pathlib
import shutil
import uuid

import cri
import machine
import pytest

BOX = pathlib.Path("/usr/lib/fief-guest/box")
IMAGE = "localhost/box:latest"
OPTIONS = pathlib.Path("/etc/default/fief-nri")
# Loading a scheduler takes seconds under emulation.
PATIENCE = 50
CONTAINERD = f"""
version = 2
[plugins."io.containerd.nri.v1.nri"]
  disable = false
  plugin_registration_timeout = "60s"
  plugin_request_timeout = "{PATIENCE + 10}s"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "systemd"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.systemd]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.systemd.options]
      SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.cgroupfs]
    runtime_type = "io.containerd.runc.v2"
"""
POLICY = {"classes": {"serving": {"scheduler": "latency", "weight": 300}}, "delegations": []}
# What the container itself sees first.
LOOK = "ls /sys/kernel/sched_ext/root/sub >/seen; while :; do sleep 1; done"


def parent_with_systemd(uid):
    slice = f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"
    return slice, f"/kubepods.slice/kubepods-burstable.slice/{slice}/cri-containerd-%s.scope"


def parent_with_cgroupfs(uid):
    return f"/kubepods/burstable/pod{uid}", f"/kubepods/burstable/pod{uid}/%s"


PARENTS = {"systemd": parent_with_systemd, "cgroupfs": parent_with_cgroupfs}


@pytest.fixture(scope="module")
def runtime():
    archive = shutil.make_archive("/tmp/box", "tar", BOX)
    machine.run("podman", "import", "--change", 'CMD ["/sbin/init"]', archive, IMAGE)
    machine.run("podman", "save", "--output=/tmp/image.tar", IMAGE)
    pathlib.Path("/etc/containerd/config.toml").write_text(CONTAINERD)
    machine.run("systemctl", "start", "containerd.service")
    machine.run("ctr", "--namespace=k8s.io", "images", "import", "/tmp/image.tar")
    yield cri.Runtime()
    machine.run("systemctl", "stop", "containerd.service")


@pytest.fixture
def plugin(runtime):
    """Starts the plugin with some options."""

    def start(*options):
        OPTIONS.write_text(f"OPTIONS=--patience={PATIENCE}s {' '.join(options)}\n")
        machine.run("systemctl", "restart", "fief-nri.service")
        machine.wait_for("the plugin", lambda: "Started plugin" in said())

    yield start
    machine.run("systemctl", "stop", "fief-nri.service")


@pytest.fixture
def pods(runtime):
    """Runs pods; removes them."""
    made = []

    def run(annotations, driver="systemd"):
        uid = str(uuid.uuid4())
        parent, path = PARENTS[driver](uid)
        made.append(runtime.run_pod("web", uid, annotations, driver, parent))
        return made[-1], path

    yield run
    for pod in made:
        pod.remove()


def said():
    invocation = machine.unit_property("InvocationID", "fief-nri.service")
    return machine.run("journalctl", "--quiet", "--no-pager", "--output=cat",
                       f"_SYSTEMD_INVOCATION_ID={invocation}").stdout


def own_words():
    return [line for line in said().splitlines() if line.startswith("default/web/")]


def cgroup_of(path):
    return (machine.CGROUP_ROOT / path[1:]).stat().st_ino


def seen_first(path):
    """What the container at that cgroup saw of the kernel's schedulers when it began."""
    pid = (machine.CGROUP_ROOT / path[1:] / "cgroup.procs").read_text().split()[0]
    seen = pathlib.Path(f"/proc/{pid}/root/seen")
    return machine.wait_for("it to look", lambda: seen.exists() and seen.read_text().split() or [""])


def delegations():
    policy = json.loads(machine.run("fiefctl", "policy", "show", "--json").stdout)
    return [shown["name"] for shown in policy["delegations"]]


@pytest.mark.parametrize("driver", PARENTS)
def test_a_class_from_the_first_instruction_to_the_last(driver, daemon, plugin, pods):
    machine.write_policy(POLICY)
    daemon()
    plugin("--class=serving", "--max-weight=500")
    pod, path = pods({"fief.io/class": "serving", "fief.io/weight.container.front": "400",
                      "fief.io/class.container.side": ""}, driver)
    front = pod.start("front", IMAGE, "/bin/sh", "-c", LOOK)
    cgroup = cgroup_of(path % front)
    assert machine.kernel_children() == {cgroup}
    shown = machine.schedulers()[path % front]
    assert (shown["state"], shown["scheduler"], shown["weight"]) == ("attached", "latency", 400)
    assert seen_first(path % front) == [f"sub-{cgroup}"]

    side = pod.start("side", IMAGE, "/bin/sh", "-c", LOOK)
    assert cgroup_of(path % side) != cgroup and machine.kernel_children() == {cgroup}
    assert delegations() == [path % front]

    pod.stop(front)
    machine.wait_for("its scheduler to go", lambda: not machine.kernel_children())
    machine.wait_for("nothing of it to be kept", lambda: not delegations())
    assert not own_words()


def test_what_pods_may_not_have_leaves_them_as_others_are(daemon, plugin, pods):
    machine.write_policy(POLICY)
    daemon()
    plugin("--class=absent", "--scheduler=batch")
    pod, path = pods({"fief.io/class.container.a": "serving", "fief.io/class.container.b": "absent",
                      "fief.io/scheduler.container.c": "batch"})
    for name in ("a", "b", "plain"):
        pod.start(name, IMAGE, "/bin/sh", "-c", LOOK)
    assert not machine.kernel_children() and not delegations()
    chosen = pod.start("c", IMAGE, "/bin/sh", "-c", LOOK)
    assert machine.kernel_children() == {cgroup_of(path % chosen)}
    first, second = own_words()
    assert first == 'default/web/a is as others are: class "serving" is not one of --class'
    assert second.startswith("default/web/b is as others are: ") and 'there is no class "absent"' in second


def test_fiefd_may_come_later_and_come_again(daemon, plugin, pods):
    machine.write_policy(POLICY)
    plugin("--class=serving")
    pod, path = pods({"fief.io/class": "serving"})
    container = pod.start("web", IMAGE, "/bin/sh", "-c", LOOK)
    assert machine.kernel_state() == "disabled"
    (line,) = own_words()
    assert line.startswith("default/web/web is as others are: fiefd does not answer: ")

    daemon()
    plugin("--class=serving")
    cgroup = cgroup_of(path % container)
    machine.wait_for("its scheduler", lambda: machine.kernel_children() == {cgroup}, PATIENCE)
    machine.run("systemctl", "restart", "fiefd.service")
    machine.wait_for("it to be asked for again", delegations, PATIENCE)
    machine.wait_for("it to have it again", lambda: machine.kernel_children() == {cgroup}, PATIENCE)
    assert not own_words()
