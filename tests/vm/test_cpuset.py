# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 600
"""Cpusets that systemd sets and changes: what a service is due lies within, and the figures are the kernel's."""

import machine


def allow(service, cpus):
    machine.run("systemctl", "set-property", "--runtime", service.name, f"AllowedCPUs={cpus}")


def shown(service):
    return machine.schedulers()[service.path]


def cids_of(cpus):
    """cids of CPU numbers."""
    place = machine.status()["cpu_of_cid"]
    return {cid for cid, cpu in enumerate(place) if cpu in cpus}


def lies_within(service, cpus):
    """Whether fief's plan and what the kernel holds for the service's own use are on these CPUs."""
    if not machine.settled(service):
        return False
    view = shown(service)
    used = machine.cids(view["planned"]["exclusive"]) | {share["cid"] for share in view["planned"]["shared"]}
    owned = machine.kernel_caps(service.cgroup_id)["enq"]
    return used and used | owned <= cids_of(cpus)


def effective(service):
    return machine.cids((service.directory / "cpuset.cpus.effective").read_text())


def start(daemon, *names):
    """The daemon first: under Linux alone a busy slice of that weight would starve everything else."""
    machine.delegate(*(machine.Service(name) for name in names))
    daemon()


def test_allowed_cpus_confine_a_service(services, daemon):
    start(daemon, "a")
    a = services("a", weight=1000)
    allow(a, "2-3")
    machine.wait_for("a within CPUs 2-3", lambda: lies_within(a, {2, 3}))
    assert machine.cids(shown(a)["entitlement"]["cpuset"]) == {2, 3}
    assert "its cpuset lets it use only CPUs 2-3" in machine.run("fiefctl", "explain", a.path).stdout
    used = a.usage()
    machine.wait_for("a to run there", lambda: a.usage() > used + 2)


def test_cpuset_changes_at_run_time(services, daemon):
    start(daemon, "a", "b")
    a, b = services("a", weight=1000), services("b")
    machine.wait_for("both schedulers", lambda: machine.settled(a, b))
    allow(a, "1")
    machine.wait_for("a within CPU 1", lambda: effective(a) == {1} and lies_within(a, {1}))
    allow(a, "0-1")
    machine.wait_for("a within CPUs 0-1", lambda: effective(a) == {0, 1} and lies_within(a, {0, 1}))
    allow(a, "0-3")
    machine.wait_for("a unconfined", lambda: machine.settled(a) and "cpuset" not in shown(a)["entitlement"])
    assert machine.kernel_state() == "enabled"


def test_partition_takes_cpus_from_siblings(services, daemon):
    start(daemon, "a", "b")
    a, b = services("a", weight=1000), services("b", weight=1000)
    for service in (a, b):
        allow(service, "0-3")
    machine.wait_for("both schedulers", lambda: machine.settled(a, b))
    (machine.CGROUP_ROOT / "demo.slice/cpuset.cpus.exclusive").write_text("3")
    (a.directory / "cpuset.cpus.exclusive").write_text("3")
    (a.directory / "cpuset.cpus").write_text("3")
    (a.directory / "cpuset.cpus.partition").write_text("root")
    assert (a.directory / "cpuset.cpus.partition").read_text().strip() == "root"
    machine.wait_for("a within its partition", lambda: lies_within(a, {3}))
    machine.wait_for("b outside of it", lambda: effective(b) == {0, 1, 2} and lies_within(b, {0, 1, 2}))


def test_cpuset_that_contradicts_the_policy(services, daemon):
    path = machine.Service("a").path
    machine.write_policy({"delegations": [{"name": "a", "cgroup": path, "placement": "cpus:0-1"}]})
    daemon()
    a = services("a")
    allow(a, "0-3")
    machine.wait_for("a within CPUs 0-1", lambda: lies_within(a, {0, 1}))
    allow(a, "3")
    machine.wait_for("a within CPU 3", lambda: lies_within(a, {3}))
    assert "its cpuset lets it use only CPUs 3" in machine.journal()
    refused = machine.run("systemctl", "reload", "fiefd.service", check=False)
    assert refused.returncode != 0


def test_weights_are_the_kernels(services, daemon):
    a = services("a", weight=500)
    machine.delegate(a)
    daemon()
    machine.wait_for("the weight", lambda: machine.settled(a) and shown(a)["weight"] == 500)
    control = machine.CGROUP_ROOT / "demo.slice/cgroup.subtree_control"
    control.write_text("-cpu")
    control.write_text("+cpu")
    assert (a.directory / "cpu.weight").read_text().strip() == "100"
    machine.wait_for("the kernel's weight", lambda: shown(a)["weight"] == 100 and machine.settled(a))
    (a.directory / "cpu.weight.nice").write_text("-5")
    weight = int((a.directory / "cpu.weight").read_text())
    machine.wait_for("the weight by nice", lambda: shown(a)["weight"] == weight)
    (a.directory / "cpu.idle").write_text("1")
    step = lambda: shown(a)["entitlement"]["chain"][-1]["weight"]
    machine.wait_for("the smallest weight", lambda: step() == 3 and machine.settled(a))
