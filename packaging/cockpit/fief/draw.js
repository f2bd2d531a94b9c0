// SPDX-License-Identifier: GPL-2.0-only
// Puts views on the page. Text goes in as text, never as markup; what has not changed is left alone.

const byId = id => document.getElementById(id);

function make(tag, attributes = {}, children = []) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        element.setAttribute(name, value);
    element.append(...[children].flat());
    return element;
}

const drawn = new Map();

// Draws a part of the page anew if its view is another, and leaves the focus where it was.
function redraw(id, view, draw) {
    const text = JSON.stringify(view);
    if (drawn.get(id) === text)
        return;
    drawn.set(id, text);
    const focused = document.activeElement?.dataset.subject;
    const place = byId(id);
    place.replaceChildren(...[draw(view)].flat());
    if (focused !== undefined)
        [...place.querySelectorAll("[data-subject]")].find(one => one.dataset.subject === focused)?.focus();
}

function drawHeadline({ state, text, policy }) {
    return [
        make("h1", {}, "CPU delegation"),
        make("p", { class: "headline", "data-state": state }, text),
        make("p", { class: "dim" }, policy === "" ? [] : `Policy: ${policy}`),
    ];
}

function drawAlerts(alerts) {
    return alerts.map(({ level, text }) => make("p", { class: `alert ${level}` }, text));
}

function drawCpu(cpu, legend) {
    const parts = cpu.users.map(({ path, fraction }) => {
        const { letter, colour } = legend.get(path) ?? { letter: "?", colour: 0 };
        const part = make("span", { class: `part owner-${colour}` }, letter);
        part.style.flexGrow = String(fraction);
        return part;
    });
    const button = make("button", {
        type: "button", class: "cpu", title: cpu.text, "aria-label": cpu.text,
        "data-subject": String(cpu.cpu), "data-kind": cpu.kind,
        "data-owners": cpu.users.map(user => user.path).join(" "),
    }, [
        make("span", { class: "number" }, String(cpu.cpu)),
        make("span", { class: "parts" }, parts),
        make("span", { class: "borrows" }, cpu.borrows.length > 0 ? `+${cpu.borrows.length}` : ""),
    ]);
    button.classList.toggle("unplanned", !cpu.asPlanned);
    button.classList.toggle("offline", !cpu.online);
    return button;
}

function drawLegend(legend) {
    const others = legend.filter(entry => !entry.shown).map(({ letter, path }) => `${letter} ${path}`);
    return [
        ...legend.filter(entry => entry.shown).map(({ path, label, letter, colour }) => make("li", { title: path }, [
            make("span", { class: `swatch owner-${colour}` }, letter), label,
        ])),
        ...(others.length > 0 ? [make("li", { class: "dim", title: others.join("\n") }, `and ${others.length} others`)] : []),
    ];
}

function drawCpus({ groups, legend }) {
    const byPath = new Map(legend.map(entry => [entry.path, entry]));
    return [
        make("div", { class: "groups" }, groups.map(({ title, cpus }) => make("figure", {}, [
            make("figcaption", { class: "dim" }, title),
            make("div", { class: "cells" }, cpus.map(cpu => drawCpu(cpu, byPath))),
        ]))),
        make("ul", { class: "legend" }, drawLegend(legend)),
        make("p", { class: "dim" },
             "+n: so many others may use it while its owner leaves it idle. Dashed: not as planned."),
    ];
}

const COLUMNS = [
    ["Cgroup", "label"], ["Scheduler", "scheduler"], ["State", "stateText"], ["Weight", "weight"],
    ["CPUs due", "due"], ["CPUs used", "usage"], ["Holds", "held"],
];

function drawRow(row) {
    const cells = COLUMNS.map(([title, key]) => make("td", { "data-column": key, "data-title": title }, row[key]));
    const name = make("button", { type: "button", class: "link", "data-subject": row.path, title: row.path },
                      row.label);
    cells[0].replaceChildren(name);
    cells[0].append(...row.problems.map(problem => make("p", { class: "problem" }, problem)));
    cells[0].style.setProperty("--depth", row.depth);
    return make("tr", { "data-path": row.path, "data-state": row.state }, cells);
}

function drawTree({ rows, firstSteps }) {
    const steps = firstSteps.map(step => make("p", { class: "step" }, step));
    return [...steps, make("table", { class: "stacks" }, [
        make("thead", {}, make("tr", {}, COLUMNS.map(([title]) => make("th", { scope: "col" }, title)))),
        make("tbody", {}, rows.map(drawRow)),
    ])];
}

function drawBar(bar) {
    const [median, most] = [["p50", bar.p50Place], ["p99", bar.p99Place]].map(([kind, place]) => {
        const part = make("span", { class: `bar ${kind}` });
        part.style.inlineSize = `${Math.max(1, place * 100)}%`;
        return part;
    });
    return make("div", { class: "times", "data-name": bar.name, "data-p50": bar.p50, "data-p99": bar.p99 }, [
        make("span", { class: "name", title: bar.name }, bar.label),
        make("span", { class: "track", "aria-hidden": "true" }, [most, median]),
        make("span", { class: "dim" }, `${bar.text} (of ${bar.count})`),
    ]);
}

function drawBars(nothing) {
    return bars => bars.length > 0 ? bars.map(drawBar) : make("p", { class: "dim" }, nothing);
}

function drawHistory({ lines, unreadable }) {
    const parts = unreadable === "" ? [] : [make("p", { class: "dim" }, unreadable)];
    if (lines.length === 0)
        return unreadable === "" ? make("p", { class: "dim" }, "The journal has no entry of fief's.") : parts;
    return [...parts, make("table", {}, make("tbody", {}, lines.map(line => make("tr", { "data-event": line.event }, [
        make("td", { class: "dim" }, new Date(line.time).toLocaleString()),
        make("td", {}, line.event), make("td", { class: "dim" }, line.by), make("td", { class: "what" }, line.text),
    ]))))];
}

function setPhase(phase) {
    byId("page").dataset.phase = phase;
    byId("live").hidden = byId("reload").hidden = phase !== "live";
    byId("unavailable").hidden = phase === "live";
}

/// The state of a daemon that runs.
export function showLive(view) {
    redraw("headline", view.headline, drawHeadline);
    redraw("alerts", view.alerts, drawAlerts);
    redraw("cpus", { groups: view.cpus, legend: view.legend }, drawCpus);
    redraw("tree", { rows: view.tree, firstSteps: view.firstSteps }, drawTree);
    redraw("waits", view.waits, drawBars("No scheduler has measured any yet."));
    redraw("reactions", view.reactions, drawBars("No weight has changed since the daemon's start."));
    setPhase("live");
}

/// Instead of a state: phase is "absent", "denied" or "error", lines say what is so and command what helps.
export function showUnavailable(phase, title, lines, command) {
    redraw("headline", null, () => make("h1", {}, "CPU delegation"));
    redraw("alerts", [], drawAlerts);
    redraw("unavailable", { title, lines, command }, () => [
        make("h2", {}, title),
        ...lines.map(line => make("p", {}, line)),
        ...(command === "" ? [] : [make("pre", {}, command)]),
    ]);
    setPhase(phase);
}

export function showHistory(lines, unreadable) {
    redraw("history", { lines, unreadable }, drawHistory);
}

/// Calls back with the subject of whatever is asked about, a CPU's number or a cgroup's path.
export function onSubject(callback) {
    byId("live").addEventListener("click", event => {
        const subject = event.target.closest("[data-subject]")?.dataset.subject;
        if (subject !== undefined)
            callback(subject);
    });
}

export function onReload(callback) {
    byId("reload").addEventListener("click", callback);
}

/// Shows a text that comes, or why it does not; then confirm, if there is one: what its button says and does.
export async function showDialog(title, text, confirm = null) {
    const button = byId("dialog-confirm");
    const tell = async promise => {
        try {
            byId("dialog-text").textContent = await promise;
            return true;
        } catch (error) {
            byId("dialog-text").textContent = error.message || error.problem;
            return false;
        }
    };
    byId("dialog-title").textContent = title;
    byId("dialog-text").textContent = "…";
    button.hidden = true;
    byId("dialog").showModal();
    if (!await tell(text) || confirm === null)
        return;
    button.textContent = confirm.label;
    button.hidden = false;
    button.onclick = () => {
        button.hidden = true;
        tell(confirm.run());
    };
}
