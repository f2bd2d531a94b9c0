# SPDX-License-Identifier: GPL-2.0-only
# guest: --cpus 4 --memory 3072 --timeout 600
"""What people change while the installed service runs, inside its sandbox and through systemd."""

import pathlib
import urllib.request

import machine

DROP_IN = pathlib.Path("/etc/fief/policy.d/95-fief-a.json")
POLKIT_RULE = pathlib.Path("/etc/polkit-1/rules.d/50-fief-test.rules")
MAY_CHANGE = """polkit.addRule(function(action, subject) {
  if (action.id == "org.fief.Fief1.reconfigure" && subject.user == "nobody")
    return polkit.Result.YES;
});
"""


def weight_of(service):
    return machine.schedulers()[service.path]["weight"]


def test_refused_policy_fails_systemctl_reload(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.write_policy('{"delegations": [{"cgroup": "/demo.slice/a.service", "wieght": 3}]}')
    refused = machine.run("systemctl", "reload", "fiefd.service", check=False)
    assert refused.returncode != 0
    assert 'did you mean "weight"' in machine.journal()
    assert machine.settled(a)
    machine.delegate(a)
    machine.run("systemctl", "reload", "fiefd.service")
    assert machine.run("systemctl", "is-active", "fiefd.service").stdout.strip() == "active"


def test_weight_is_set_three_ways(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.run("systemctl", "set-property", "--runtime", a.name, "CPUWeight=300")
    machine.wait_for("the weight", lambda: weight_of(a) == 300)
    machine.run("busctl", "call", "org.fief.Fief1", "/org/fief/Fief1", "org.fief.Fief1.Manager",
                "SetProperties", "sa{sv}t", "a", "1", "weight", "u", "400", "1")
    assert weight_of(a) == 400
    machine.run("fiefctl", "set", "a", "weight=500")
    assert weight_of(a) == 500
    assert DROP_IN.stat().st_mode & 0o777 == 0o644
    machine.run("systemctl", "restart", "fiefd.service")
    machine.wait_for("a's scheduler", lambda: machine.settled(a))
    assert weight_of(a) == 500
    machine.run("fiefctl", "revert", "a")
    assert weight_of(a) == 300
    assert not DROP_IN.exists()


def test_watched_policy_is_reloaded(services, daemon):
    a = services("a")
    override = pathlib.Path("/run/systemd/system/fiefd.service.d/watch.conf")
    override.parent.mkdir(parents=True, exist_ok=True)
    override.write_text("[Service]\nExecStart=\nExecStart=/usr/sbin/fiefd --watch\n")
    machine.run("systemctl", "daemon-reload")
    try:
        daemon()
        machine.delegate(a)
        machine.wait_for("a's scheduler", lambda: machine.settled(a))
        DROP_IN.parent.mkdir(exist_ok=True)
        DROP_IN.write_text('{"delegations": [{"name": "a", "weight": 700}]}')
        machine.wait_for("the weight", lambda: weight_of(a) == 700)
        DROP_IN.unlink()
        machine.wait_for("the weight of before", lambda: weight_of(a) == 100)
    finally:
        DROP_IN.unlink(missing_ok=True)
        override.unlink()
        machine.run("systemctl", "daemon-reload")


def test_kill_and_boost(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.run("fiefctl", "boost", "a", "weight=900", "--", "true")
    machine.wait_for("the end of the boost", lambda: weight_of(a) == 100)
    machine.run("fiefctl", "kill", "a", "--reason", "enough of it")
    assert "enough of it" in machine.journal()
    machine.wait_for("another scheduler", lambda: machine.settled(a))
    assert machine.kernel_state() == "enabled"


def test_polkit_decides_who_may_change(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()

    def set_weight(weight):
        return machine.run("runuser", "-u", "nobody", "--", "fiefctl", "set", "a", f"weight={weight}", check=False)

    assert "or authenticate as an administrator" in set_weight(500).stderr
    assert weight_of(a) == 100
    try:
        POLKIT_RULE.write_text(MAY_CHANGE)
        machine.wait_for("permission", lambda: set_weight(500).returncode == 0)
        assert weight_of(a) == 500
    finally:
        POLKIT_RULE.unlink()
    machine.wait_for("refusal", lambda: set_weight(600).returncode != 0)
    # the last change before polkit noticed may have been permitted
    assert weight_of(a) in (500, 600)
    weight = weight_of(a)
    assert set_weight(700).returncode != 0
    assert weight_of(a) == weight
    assert machine.run("runuser", "-u", "nobody", "--", "fiefctl", "revert", "a", check=False).returncode != 0
    machine.run("fiefctl", "revert", "a")
    assert weight_of(a) == 100


def test_metrics_are_scraped(services, daemon):
    a = services("a")
    machine.delegate(a)
    daemon()
    machine.run("systemctl", "start", "fief-exporter.socket")
    try:
        with urllib.request.urlopen("http://127.0.0.1:9943/metrics", timeout=30) as answer:
            text = answer.read().decode()
    finally:
        machine.run("systemctl", "stop", "fief-exporter.socket", "fief-exporter.service")
    assert f'fief_scheduler_weight{{cgroup="{a.path}"' in text
