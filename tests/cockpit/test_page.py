# SPDX-License-Identifier: GPL-2.0-only
"""What the page shows is what fiefctl says."""

import json
import pathlib
import time

import browser as devtools
import conftest

GOLDEN = pathlib.Path("/src/tests/golden/cli")
CPUS = """[...document.querySelectorAll('.cpu')].map(cpu =>
    [Number(cpu.querySelector('.number').textContent), cpu.dataset.owners])"""
ROWS = """Object.fromEntries([...document.querySelectorAll('#tree tbody tr')].map(row =>
    [row.dataset.path, Object.fromEntries([...row.cells].map(cell =>
        [cell.dataset.column, cell.firstChild?.textContent ?? '']))]))"""
PHASE = "document.getElementById('page').dataset.phase"


def column(path, name):
    return f"({ROWS})['{path}']?.{name}"


def cids(text):
    found = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def owners_by_cpu(status):
    """Who has which CPU, by the status."""
    owners = {cpu: [] for cpu in status["cpu_of_cid"]}
    for scheduler in status["schedulers"]:
        for cid in cids(scheduler["exclusive"]) + [part["cid"] for part in scheduler["shared"]]:
            owners[status["cpu_of_cid"][cid]].append(scheduler["cgroup"])
    return [[cpu, " ".join(found or ["/"])] for cpu, found in sorted(owners.items())]


def test_cpus_and_their_owners(page):
    status = conftest.status()
    assert status["cpus"] == 8
    owners = owners_by_cpu(status)
    assert {"/a", "/b"} <= set(" ".join(names for _, names in owners).split())
    page.wait("the owners", CPUS, owners)


def test_delegations_with_their_weights(page):
    status = conftest.status()
    tree = conftest.fiefctl("tree").stdout.splitlines()
    rows = page.value(ROWS)
    assert list(rows) == [scheduler["cgroup"] for scheduler in status["schedulers"]]
    for scheduler in status["schedulers"]:
        row = rows[scheduler["cgroup"]]
        assert row["scheduler"] == scheduler["scheduler"]
        assert row["stateText"] == scheduler["state"]
        assert row["due"] == f"{scheduler['entitlement']['cpus']:.2f}"
        name = scheduler["cgroup"].lstrip("/") or "/"
        assert f"  {row['held']}  " in next(line for line in tree if name in line.split())
        assert row["weight"] == (str(scheduler["weight"]) if scheduler["weight"] else "–")
    assert [rows[path]["weight"] for path in ("/a", "/b")] == ["300", "100"]


def test_a_changed_weight_appears(page, stage):
    before = page.value(column("/b", "due"))
    stage.play("weight /b 900")
    page.wait("the weight", column("/b", "weight"), "900")
    page.wait("the CPUs", CPUS, owners_by_cpu(conftest.status()))
    assert float(page.value(column("/b", "due"))) > float(before)
    page.wait("the reaction", "document.querySelectorAll('#reactions .times').length", 3)
    in_force = conftest.status()["reactions"]["in_force"]
    assert page.value("Number(document.querySelector('#reactions .times:last-child').dataset.p99)") == in_force["p99_us"]


def test_waits(page, stage):
    stage.play("waits /a 5 100")
    page.wait("the waits", "document.querySelectorAll('#waits .times').length", 1)
    waits = next(one["wake_waits"] for one in conftest.status()["schedulers"] if one["cgroup"] == "/a")
    shown = page.value("({...document.querySelector('#waits .times').dataset})")
    assert shown["name"] == "/a"
    assert [float(shown[part]) for part in ("p50", "p99")] == [waits["p50_us"], waits["p99_us"]]
    assert page.value("document.querySelector('#waits .bar.p99').offsetWidth") > 0


def test_what_fails_is_said(page, stage):
    assert page.value("document.getElementById('alerts').childElementCount") == 0
    stage.play("end /a it <b>stalled</b>")
    page.wait("the state", column("/a", "stateText"), "backing-off")
    page.wait("the alert", "document.querySelector('#alerts .alert')?.textContent.includes('it <b>stalled</b>')")
    assert page.value("document.querySelector('b')") is None
    page.wait("the next try", column("/a", "stateText"), "attached")


def test_the_history_is_followed(page, stage):
    page.wait("the history", "document.querySelectorAll('#history tr[data-event=\"attached\"]').length >= 2")
    stage.play("weight /a 500")
    page.wait("the plan", "document.querySelector('#history tr').textContent.includes('weight')")
    entries = json.loads(conftest.fiefctl("history", "--json").stdout)["entries"]
    assert page.value("document.querySelector('#history .what').textContent") == entries[-1]["text"]


def test_a_history_that_cannot_be_read_says_why(page, cockpit, browser):
    journal, away = pathlib.Path("/run/log/journal"), pathlib.Path("/run/log/away")
    journal.rename(away)
    try:
        said = conftest.fiefctl("history").stderr.removeprefix("fiefctl: ").strip()
        assert said != ""
        another = devtools.Page(browser, cockpit)
        another.wait("the reason", "document.getElementById('history')?.textContent", said)
        assert not another.complaints()
        another.close()
    finally:
        away.rename(journal)


def test_a_reload_shows_first_what_it_would_change(page, stage):
    stage.play('policy {"delegations": [{"cgroup": "/a"}]}')
    page.value("document.getElementById('reload').click()")
    page.wait("the preview", "document.getElementById('dialog-text').textContent",
              conftest.fiefctl("reload", "--dry-run").stdout)
    assert "/b" in page.value("document.getElementById('dialog-text').textContent")
    assert page.value(column("/b", "stateText")) == "attached"
    page.value("document.getElementById('dialog-confirm').click()")
    page.wait("the change", column("/b", "stateText"), None)


def test_a_bad_policy_is_not_put_in_force(page, stage):
    stage.play('policy {"delegations": [{"cgroup": "/a", "wieght": 1}]}')
    page.value("document.getElementById('reload').click()")
    page.wait("the fault", "document.getElementById('dialog-text').textContent.includes('did you mean')")
    assert page.value("document.getElementById('dialog-confirm').hidden")


def test_cpus_and_cgroups_are_explained(page):
    for subject in ("/a", "3"):
        page.value(f"document.querySelector('[data-subject=\"{subject}\"]').click()")
        page.wait("the explanation", "document.getElementById('dialog-text').textContent",
                  conftest.fiefctl("explain", subject).stdout)
        page.value("document.getElementById('dialog').close()")


def test_a_daemon_that_stops_and_comes_back(page, stage):
    stage.play("stop")
    page.wait("the empty page", PHASE, "absent")
    assert not page.value("document.getElementById('live').checkVisibility()")
    shown = page.value("document.getElementById('unavailable').innerText")
    assert conftest.fiefctl("status").stderr.removeprefix("fiefctl: ").strip() in shown
    assert "systemctl enable --now fiefd" in shown
    stage.play("start")
    page.wait("the page", PHASE, "live")
    page.wait("the owners", CPUS, owners_by_cpu(conftest.status()))


def test_looking_starts_nothing(page, stage, cockpit, browser, tmp_path):
    started = tmp_path / "started"
    (tmp_path / "org.fief.Fief1.service").write_text(
        f"[D-BUS Service]\nName=org.fief.Fief1\nExec=/usr/bin/touch {started}\nUser=root\n")
    stage.configure_bus(f"<servicedir>{tmp_path}</servicedir>")
    stage.play("stop")
    page.wait("the empty page", PHASE, "absent")
    another = devtools.Page(browser, cockpit)
    another.wait("the empty page", "document.getElementById('page')?.dataset.phase", "absent")
    another.close()
    assert not started.exists()
    # The bus would start it for whoever calls it by its name.
    stage.send("org.fief.Fief1", "/org/fief/Fief1", "org.freedesktop.DBus.Peer.Ping")
    conftest.wait_until("a start", started.exists)


def test_nobody_is_shown_what_the_bus_refuses(page, stage):
    stage.configure_bus("""<policy user="root">
        <deny send_destination="org.fief.Fief1" send_interface="org.fief.Fief1.Manager"/></policy>""")
    page.wait("the refusal", PHASE, "denied")
    assert not page.value("document.getElementById('live').checkVisibility()")


def test_a_page_that_nobody_sees_asks_for_nothing(page, stage):
    page.wait("the history", "document.querySelectorAll('#history tr').length > 0")
    assert followers()
    hide(page, True)
    conftest.wait_until("the end of the history", lambda: not followers())
    stage.play("weight /a 700")
    conftest.wait_until("the weight", lambda: conftest.status()["schedulers"][1]["weight"] == 700)
    time.sleep(2.5)  # longer than the page polls
    assert page.value(column("/a", "weight")) == "300"
    hide(page, False)
    page.wait("the weight", column("/a", "weight"), "700")
    conftest.wait_until("the history", followers)


def hide(page, hidden):
    page.value(f"Object.defineProperty(document, 'hidden', {{ value: {json.dumps(hidden)}, configurable: true }});"
               "document.dispatchEvent(new Event('visibilitychange'))")


def followers():
    """Processes that follow the journal for the page."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:3] == [b"fiefctl", b"history", b"--follow"]:
            found.append(process)
    return found


def view_of(page, document):
    """What the page would show of a status."""
    text = json.dumps((GOLDEN / document).read_text())
    return page.value(f"import('./model.js').then(model => model.viewOf(model.readStatus({text})))")


def test_trouble_is_told_as_fiefctl_tells_it(page):
    view = view_of(page, "status-troubled.json")
    told = (GOLDEN / "status-troubled.txt").read_text()
    problems = [problem for row in view["tree"] for problem in row["problems"]]
    assert problems
    for problem in problems:
        assert f"! {problem}\n" in told
    assert len(problems) == told.count("! ")
    alerts = " ".join(alert["text"] for alert in view["alerts"])
    for part in ("wieght", "/system.slice/broken.service", "/system.slice/flaky.service", "Plan 42"):
        assert part in alerts


def test_a_tree_of_several_levels(page):
    rows = view_of(page, "status-nested.json")["tree"]
    status = json.loads((GOLDEN / "status-nested.json").read_text())
    assert sorted(row["path"] for row in rows) == sorted(one["cgroup"] for one in status["schedulers"])
    depths = {row["path"]: row["depth"] for row in rows}
    assert max(depths.values()) >= 2
    for scheduler in status["schedulers"]:
        if scheduler["parent"] is not None:
            assert depths[scheduler["cgroup"]] == depths[scheduler["parent"]] + 1


def crowd(names):
    """A status with a scheduler for each of the names, and the root."""
    status = json.loads((GOLDEN / "status-nested.json").read_text())
    root = next(one for one in status["schedulers"] if one["parent"] is None)
    model = next(one for one in status["schedulers"] if one["parent"] == "/")
    status["schedulers"] = [root] + [
        {**model, "cgroup": name, "exclusive": "", "shared": [],
         "entitlement": {**model["entitlement"], "cpus": due}} for due, name in enumerate(names)]
    return status


def view_of_status(page, status):
    text = json.dumps(json.dumps(status))
    return page.value(f"import('./model.js').then(model => model.viewOf(model.readStatus({text})))")


def test_long_names_are_shown_by_their_ends(page):
    pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f3c2a1e.slice/cri-containerd-3f4a9c0d.scope"
    view = view_of_status(page, crowd([pod, "/short", "/a/" + "x" * 60]))
    rows = {row["path"]: row["label"] for row in view["tree"]}
    assert rows[pod] == "…/cri-containerd-3f4a9c0d.scope"
    assert rows["/short"] == "/short"
    assert rows["/a/" + "x" * 60] == "x" * 15 + "…" + "x" * 15
    assert {entry["path"]: entry["label"] for entry in view["legend"]} == {**rows, "/": "/ itself"}


def test_a_crowded_legend_shows_those_that_are_due_most(page):
    view = view_of_status(page, crowd([f"/s{number:02}" for number in range(30)]))
    shown = [entry["path"] for entry in view["legend"] if entry["shown"]]
    assert shown == ["/"] + [f"/s{number:02}" for number in range(20, 30)]
    few = view_of_status(page, crowd([f"/s{number:02}" for number in range(11)]))
    assert all(entry["shown"] for entry in few["legend"])


def test_an_empty_page_says_what_to_do_first(page):
    assert len(view_of_status(page, crowd([]))["firstSteps"]) == 3
    assert view_of_status(page, crowd(["/a"]))["firstSteps"] == []


def test_a_narrow_page_stacks_its_rows(page):
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    try:
        page.wait("the width", "document.documentElement.scrollWidth <= 390")
        assert page.value("getComputedStyle(document.querySelector('#tree thead')).display") == "none"
        table = "document.getElementById('tree')"
        assert page.value(f"{table}.scrollWidth <= {table}.clientWidth")
        for column_shown in ("stateText", "weight", "due", "usage", "held"):
            assert page.value(f"document.querySelector('[data-path=\"/a\"] [data-column={column_shown}]').checkVisibility()")
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_both_themes(page):
    colours = {}
    for theme in ("light", "dark"):
        page.value(f"localStorage.setItem('shell:style', '{theme}'); "
                   f"dispatchEvent(new CustomEvent('cockpit-style', {{detail: {{style: '{theme}'}}}}))")
        colours[theme] = page.value("getComputedStyle(document.body).backgroundColor")
    page.value("localStorage.removeItem('shell:style')")
    assert colours["light"] != colours["dark"]
