// SPDX-License-Identifier: GPL-2.0-only
// From what "fiefctl status" and "fiefctl history" print as JSON to what the page shows. Pure.

export const SCHEMA = 1;
/// Schedulers beyond these share their colours.
export const COLOURS = 8;
/// Longer names are shown by their last components.
export const NAME_ROOM = 32;
/// Schedulers beyond these stand in the legend as "others".
export const LEGEND_ROOM = 12;

/// The numbers of the kernel's list "0-3,8".
export function parseCids(list) {
    const cids = [];
    for (const range of list.split(",").filter(part => part !== "")) {
        const [first, last = first] = range.split("-").map(Number);
        for (let cid = first; cid <= last; ++cid)
            cids.push(cid);
    }
    return cids;
}

/// The reverse of parseCids.
export function formatList(numbers) {
    const runs = [];
    for (const number of [...numbers].sort((a, b) => a - b)) {
        const run = runs.at(-1);
        if (run && number === run[1] + 1)
            run[1] = number;
        else
            runs.push([number, number]);
    }
    return runs.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}

// As fiefctl rounds: what lies halfway, to an even digit.
function formatNumber(number, digits) {
    return new Intl.NumberFormat("en", {
        minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false, roundingMode: "halfEven",
    }).format(number);
}

export function formatPercent(fraction) {
    const percent = fraction * 100;
    return `${formatNumber(percent, percent < 10 ? 1 : 0)}%`;
}

export function formatCpus(cpus) {
    return formatNumber(cpus, 2);
}

export function formatMicroseconds(us) {
    if (us < 1000)
        return `${Number(us.toPrecision(3))} µs`;
    if (us < 1e6)
        return `${Number((us / 1000).toPrecision(3))} ms`;
    return `${Number((us / 1e6).toPrecision(3))} s`;
}

/// A, B … Z, AA: what stands for a scheduler where its path has no room.
export function letterOf(index) {
    const last = String.fromCharCode(65 + index % 26);
    return index < 26 ? last : letterOf(Math.floor(index / 26) - 1) + last;
}

/// A path by as many of its last components as have room; of a last one that has none, both ends.
export function shortName(path, room = NAME_ROOM) {
    if (path.length <= room)
        return path;
    const parts = path.split("/");
    let name = parts.pop();
    while (parts.length > 0 && parts.at(-1).length + name.length + 3 <= room)
        name = `${parts.pop()}/${name}`;
    if (name.length + 2 <= room)
        return `…/${name}`;
    const half = Math.floor((room - 1) / 2);
    return `${name.slice(0, half)}…${name.slice(-half)}`;
}

/// The status that a text is; throws a sentence where it is none that this page knows.
export function readStatus(text) {
    const status = JSON.parse(text);
    if (status.schema !== SCHEMA)
        throw new Error(`fiefd tells its state in schema ${status.schema}, this page knows schema ${SCHEMA}`);
    return status;
}

const isRoot = scheduler => scheduler.cgroup === "/" && scheduler.parent === null;
const isAttached = scheduler => scheduler.state === "attached";

// The users of each cid by what is held or planned: a list of {path, fraction} for each.
function usersOfCids(schedulers, rightsOf) {
    const users = new Map();
    const add = (cid, user) => users.set(cid, [...(users.get(cid) ?? []), user]);
    for (const scheduler of schedulers) {
        const rights = rightsOf(scheduler);
        for (const cid of parseCids(rights.exclusive))
            add(cid, { path: scheduler.cgroup, fraction: 1 });
        for (const { cid, fraction } of rights.shared)
            add(cid, { path: scheduler.cgroup, fraction });
    }
    return users;
}

function textOfUsers(users) {
    return users.length === 1
        ? users[0].path
        : users.map(user => `${formatPercent(user.fraction)} ${user.path}`).join(", ");
}

/// Every CPU, ascending: whose it is by what the kernel holds, who may borrow it, where it sits. A CPU that is
/// nobody's is the root's. Before the daemon knows the CPUs' numbers there are none.
export function cpusOf(status, topology) {
    const held = usersOfCids(status.schedulers, scheduler => scheduler);
    const planned = usersOfCids(status.schedulers, scheduler => scheduler.planned);
    const borrowers = new Map();
    for (const scheduler of status.schedulers.filter(one => !isRoot(one)))
        for (const cid of parseCids(scheduler.borrowable))
            borrowers.set(cid, [...(borrowers.get(cid) ?? []), scheduler.cgroup]);
    const root = [{ path: "/", fraction: 1 }];
    return status.cpu_of_cid.map((cpu, cid) => {
        const users = held.get(cid) ?? root;
        const place = topology[cid];
        const borrows = borrowers.get(cid) ?? [];
        const plannedText = textOfUsers(planned.get(cid) ?? root);
        const asPlanned = textOfUsers(users) === plannedText;
        return {
            cpu, users, borrows, asPlanned,
            kind: users.length > 1 ? "shared" : borrows.length > 0 ? "lent" : "exclusive",
            llc: place?.llc ?? 0, node: place?.node ?? 0, online: place?.online ?? true,
            text: `CPU ${cpu}: ${textOfUsers(users)}` +
                (borrows.length > 0 ? `; may borrow it: ${borrows.join(", ")}` : "; nobody may borrow it") +
                (asPlanned ? "" : `; planned: ${plannedText}`),
        };
    }).sort((a, b) => a.cpu - b.cpu);
}

// Runs of CPUs that share a last-level cache.
function groupsOf(cpus) {
    const groups = new Map();
    for (const cpu of cpus) {
        const key = `${cpu.node}/${cpu.llc}`;
        if (!groups.has(key))
            groups.set(key, { title: `Node ${cpu.node}, cache ${cpu.llc}`, cpus: [] });
        groups.get(key).cpus.push(cpu);
    }
    return [...groups.values()];
}

function textOfRights({ exclusive, shared }, numberOf) {
    const numbers = parseCids(exclusive).map(numberOf);
    return [
        ...(numbers.length > 0 ? [formatList(numbers)] : []),
        ...shared.map(({ cid, fraction }) => `${formatPercent(fraction)} of ${numberOf(cid)}`),
    ].join(", ") || "none";
}

function textOfHeld(scheduler, numberOf) {
    const lent = parseCids(scheduler.borrowable).length;
    return textOfRights(scheduler, numberOf) + (lent > 0 ? ` +${lent} lent` : "");
}

// Why somebody should look at a scheduler, each in a sentence: those of "fiefctl tree".
function problemsOf(scheduler, numberOf) {
    const problems = [];
    if (isAttached(scheduler) && !scheduler.as_planned)
        problems.push(`not as planned: holds ${textOfHeld(scheduler, numberOf)}, ` +
                      `should hold ${textOfRights(scheduler.planned, numberOf)}`);
    if (scheduler.last_error !== "")
        problems.push(scheduler.last_error);
    if (scheduler.state === "quarantined")
        problems.push(`"fiefctl attach ${scheduler.cgroup}" tries again, ` +
                      `"fiefctl revert ${scheduler.cgroup}" takes back what was changed`);
    return problems;
}

// Sisters by path, each followed by what is below it.
function inTreeOrder(schedulers) {
    const below = new Map();
    for (const scheduler of schedulers)
        below.set(scheduler.parent, [...(below.get(scheduler.parent) ?? []), scheduler]);
    const rows = [];
    const add = (parent, depth) => {
        for (const scheduler of below.get(parent) ?? []) {
            rows.push([scheduler, depth]);
            add(scheduler.cgroup, depth + 1);
        }
    };
    add(null, 0);
    return rows;
}

/// CPUs that each cgroup used on average between two statuses that were read so many seconds apart, by path.
export function usageBetween(before, after, seconds) {
    const usage = {};
    const earlier = new Map((before?.schedulers ?? []).map(one => [one.cgroup, one.usage_usec]));
    for (const { cgroup, usage_usec } of after.schedulers)
        if (earlier.has(cgroup) && seconds > 0 && usage_usec >= earlier.get(cgroup))
            usage[cgroup] = (usage_usec - earlier.get(cgroup)) / 1e6 / seconds;
    return usage;
}

function nameBelow(path, parent) {
    return parent && parent !== "/" && path.startsWith(`${parent}/`) ? path.slice(parent.length + 1) : path;
}

// What sleeps is due nothing before it wakes.
function dueNow(entitlement) {
    return entitlement.awake ? formatCpus(entitlement.cpus) : `asleep (${formatCpus(entitlement.nominal)})`;
}

/// The tree of schedulers, a row each.
export function treeOf(status, usage = {}) {
    const numberOf = cid => status.cpu_of_cid[cid] ?? cid;
    return inTreeOrder(status.schedulers).map(([scheduler, depth]) => ({
        path: scheduler.cgroup, depth,
        label: shortName(nameBelow(scheduler.cgroup, scheduler.parent)),
        delegation: scheduler.delegation,
        scheduler: scheduler.scheduler,
        state: scheduler.state,
        stateText: scheduler.state + (scheduler.foreign ? ", foreign" : ""),
        weight: scheduler.weight > 0 ? `${scheduler.weight}` : "–",
        due: isAttached(scheduler) ? dueNow(scheduler.entitlement) : "–",
        held: isAttached(scheduler) ? textOfHeld(scheduler, numberOf) : "–",
        usage: scheduler.cgroup in usage ? formatCpus(usage[scheduler.cgroup]) : "–",
        problems: problemsOf(scheduler, numberOf),
    }));
}

const isMeasured = times => times !== undefined && times.counts.some(count => count > 0);

// Percentiles on a scale that all of the rows share: from 1 µs to the longest, by powers.
function barsOf(rows) {
    const longest = Math.max(2, ...rows.map(row => row.times.p99_us));
    const place = us => us <= 1 ? 0 : Math.min(1, Math.log(us) / Math.log(longest));
    return rows.map(({ name, times }) => ({
        name, label: shortName(name),
        p50: times.p50_us, p99: times.p99_us,
        p50Place: place(times.p50_us), p99Place: place(times.p99_us),
        text: `half within ${formatMicroseconds(times.p50_us)}, 99% within ${formatMicroseconds(times.p99_us)}`,
        count: times.counts.reduce((sum, count) => sum + count, 0),
    }));
}

/// How long the tasks of each scheduler waited; only of those that have measured any.
export function waitsOf(status) {
    return barsOf(status.schedulers
        .filter(scheduler => isMeasured(scheduler.wake_waits))
        .map(scheduler => ({ name: scheduler.cgroup, times: scheduler.wake_waits })));
}

const REACTIONS = [
    ["heard", "heard of"],
    ["begun", "planning begun"],
    ["in_force", "in force"],
];

export function reactionsOf(status) {
    return barsOf(REACTIONS
        .filter(([key]) => isMeasured(status.reactions?.[key]))
        .map(([key, name]) => ({ name, times: status.reactions[key] })));
}

/// What needs somebody's attention, the worst first.
export function alertsOf(status) {
    const alerts = [];
    if (status.policy_error !== "")
        alerts.push({ level: "danger", text: `The policy files were refused: ${status.policy_error}` });
    for (const scheduler of status.schedulers) {
        if (scheduler.state === "quarantined")
            alerts.push({
                level: "danger",
                text: `${scheduler.cgroup} is left without a scheduler of its own: ${scheduler.last_error}`,
            });
        if (scheduler.state === "backing-off")
            alerts.push({ level: "warning", text: `${scheduler.cgroup}: ${scheduler.last_error}` });
    }
    if (status.state === "starting")
        alerts.push({ level: "info", text: "fiefd is starting." });
    else if (!status.as_planned)
        alerts.push({ level: "warning", text: `Plan ${status.plan_number} is not in force everywhere.` });
    if (status.state === "degraded" && alerts.length === 0)
        alerts.push({ level: "warning", text: "fiefd is degraded; the history says why." });
    return alerts;
}

/// What stands for whom. Those that are due most are shown, and the root; the rest are counted.
export function legendOf(attached) {
    const crowded = attached.length > LEGEND_ROOM;
    const byDue = [...attached].sort(
        (a, b) => isRoot(b) - isRoot(a) || b.entitlement.cpus - a.entitlement.cpus);
    const shown = new Set(crowded ? byDue.slice(0, LEGEND_ROOM - 1) : attached);
    return attached.map((scheduler, index) => ({
        path: scheduler.cgroup, letter: letterOf(index),
        label: isRoot(scheduler) ? "/ itself" : shortName(scheduler.cgroup),
        colour: isRoot(scheduler) ? 0 : 1 + (index - 1) % COLOURS,
        shown: shown.has(scheduler),
    }));
}

/// What to do first where nothing is delegated; else nothing.
export function firstStepsOf(status) {
    if (status.state === "starting" || !status.schedulers.every(isRoot))
        return [];
    return [
        "No cgroup has CPUs and a scheduler of its own yet: all tasks are with the root scheduler.",
        "To try it: fiefctl attach NAME.service; fiefctl revert NAME.service takes it back.",
        "For good: name it in /etc/fief/policy.json, then fiefctl check and fiefctl reload; " +
            "examples are in /usr/share/doc/fief/examples.",
    ];
}

/// All that the page shows of a status.
export function viewOf(status, topology = [], usage = {}) {
    const cpus = cpusOf(status, topology);
    const attached = status.schedulers.filter(isAttached);
    return {
        headline: {
            state: status.state,
            text: `fief ${status.version} is ${status.state}: ${status.cpus} CPUs, ` +
                `${attached.length} ${attached.length === 1 ? "scheduler" : "schedulers"} attached, ` +
                `plan ${status.plan_number}`,
            policy: status.policy_file,
        },
        alerts: alertsOf(status),
        legend: legendOf(attached),
        firstSteps: firstStepsOf(status),
        cpus: groupsOf(cpus),
        tree: treeOf(status, usage),
        waits: waitsOf(status),
        reactions: reactionsOf(status),
    };
}

/// The entry that a line of "fiefctl history --follow --json" is; null where it is none, as that of a failure.
export function readEntry(line) {
    try {
        const entry = JSON.parse(line);
        return "time_usec" in entry ? entry : null;
    } catch {
        return null;
    }
}

/// Lines of a history, newest first.
export function historyOf(entries) {
    return [...entries].reverse().map(entry => ({
        time: entry.time_usec / 1000,
        event: entry.event ?? "",
        by: entry.requester_uid === null ? "" : `uid ${entry.requester_uid}`,
        text: entry.text,
    }));
}
