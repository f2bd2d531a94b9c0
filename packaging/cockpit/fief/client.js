// SPDX-License-Identifier: GPL-2.0-only
// Talks to fiefd through Cockpit's bridge, and to the journal through fiefctl. Looking never starts the daemon:
// it is called by its unique name on the bus, which nothing activates.
import { readEntry, readStatus } from "./model.js";

const cockpit = globalThis.cockpit;

const SERVICE = "org.fief.Fief1";
const OBJECT = "/org/fief/Fief1";
const MANAGER = "org.fief.Fief1.Manager";
const BUS = ["/org/freedesktop/DBus", "org.freedesktop.DBus"];

// What changes all the time is not announced.
const POLL_MS = 2000;
// Signals come in crowds.
const SETTLE_MS = 100;
const RETRY_MS = 5000;
const ANSWER_MS = 20000;
const HISTORY_LINES = 200;
const NOT_INSTALLED = "fief is not installed";

function sentenceOf(error) {
    return error.message || error.problem || String(error);
}

function saidByFiefctl(text) {
    return text.trim().replace(/^fiefctl: /, "");
}

function isDenial(error) {
    return error.problem === "access-denied" || error.name === "org.freedesktop.DBus.Error.AccessDenied";
}

/// Tells its listener status(status, topology, seconds since the last), absent(sentence) and
/// failed("denied" or "error", sentence), as it becomes so.
export class Daemon {
    #listener;
    #bus = null;
    #client = null;
    #admin = null;
    #owner = "";
    #topology = null;
    #reading = false;
    #again = false;
    #timer = 0;
    #readAt = 0;

    constructor(listener) {
        this.#listener = listener;
        cockpit.addEventListener("visibilitychange", () => {
            clearTimeout(this.#timer);
            this.#readIn(0);
        });
    }

    /// Follows the owner of the name, whoever it will be.
    start() {
        this.#bus = cockpit.dbus("org.freedesktop.DBus", { bus: "system" });
        this.#bus.addEventListener("close", (_event, options) => {
            this.#setOwner("");
            this.#listener.failed("error", `There is no system bus: ${options.message || options.problem}`);
            setTimeout(() => this.start(), RETRY_MS);
        });
        this.#bus.subscribe(
            { path: BUS[0], interface: BUS[1], member: "NameOwnerChanged", arg0: SERVICE },
            (_path, _interface, _signal, [, , owner]) => this.#setOwner(owner));
        this.#bus.call(...BUS, "GetNameOwner", [SERVICE], { type: "s" })
            .then(([owner]) => this.#setOwner(owner))
            .catch(error => {
                if (error.name === "org.freedesktop.DBus.Error.NameHasNoOwner")
                    this.#setOwner("");
            });
    }

    /// What a reload would change, as lines for people.
    async previewReload() {
        return (await this.#callAsAdmin("PreviewReload"))[0];
    }

    async reload() {
        await this.#callAsAdmin("Reload");
    }

    /// Why a cgroup or a CPU is as it is, as lines for people.
    async explain(subject) {
        return (await this.#call(this.#client, "Explain", [subject], "s"))[0];
    }

    #setOwner(owner) {
        this.#client?.close();
        this.#admin?.close();
        this.#client = this.#admin = this.#topology = null;
        this.#owner = owner;
        this.#reading = this.#again = false;
        this.#readAt = 0;
        clearTimeout(this.#timer);
        if (owner === "") {
            this.#sayWhyAbsent();
            return;
        }
        this.#client = cockpit.dbus(owner, { bus: "system" });
        this.#client.subscribe({ path_namespace: OBJECT }, () => {
            this.#topology = null;
            this.#readIn(SETTLE_MS);
        });
        this.#readIn(0);
    }

    // In the words of fiefctl, which knows what the service manager knows.
    #sayWhyAbsent() {
        const say = sentence => {
            if (this.#owner === "")
                this.#listener.absent(sentence);
        };
        cockpit.spawn(["fiefctl", "status"], { err: "out" })
            .then(() => say("fiefd is not on the system bus"))
            .catch((error, output) => say(
                error.problem === "not-found" ? NOT_INSTALLED : saidByFiefctl(output || sentenceOf(error))));
    }

    #call(client, method, args = [], type = "") {
        if (client === null)
            return Promise.reject(new Error("fiefd is not running"));
        // Cockpit's promises are not the language's.
        return new Promise((resolve, reject) => {
            client.call(OBJECT, MANAGER, method, args, { type, timeout: ANSWER_MS }).then(resolve, reject);
        });
    }

    #callAsAdmin(method) {
        if (this.#owner !== "")
            this.#admin ??= cockpit.dbus(this.#owner, { bus: "system", superuser: "try" });
        return this.#call(this.#admin, method);
    }

    #readIn(milliseconds) {
        if (this.#client === null || cockpit.hidden)
            return;
        if (this.#reading) {
            this.#again = true;
            return;
        }
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#read(), milliseconds);
    }

    async #read() {
        const client = this.#client;
        this.#reading = true;
        try {
            const topology = this.#topology ?? await this.#readTopology(client);
            const [text] = await this.#call(client, "GetStatus");
            if (client !== this.#client)
                return;
            const status = readStatus(text);
            const now = performance.now();
            // Until the daemon knows the machine it has none.
            this.#topology = status.cpu_of_cid.length > 0 ? topology : null;
            this.#listener.status(status, topology, this.#readAt > 0 ? (now - this.#readAt) / 1000 : 0);
            this.#readAt = now;
        } catch (error) {
            if (client === this.#client)
                this.#listener.failed(isDenial(error) ? "denied" : "error", sentenceOf(error));
        }
        if (client !== this.#client)
            return;
        this.#reading = false;
        this.#readIn(this.#again ? SETTLE_MS : POLL_MS);
        this.#again = false;
    }

    async #readTopology(client) {
        const [value] = await new Promise((resolve, reject) => {
            client.call(OBJECT, "org.freedesktop.DBus.Properties", "Get", [MANAGER, "Topology"],
                        { type: "ss", timeout: ANSWER_MS }).then(resolve, reject);
        });
        return value.v.map(([cpu, core, llc, node, shard, online]) => ({ cpu, core, llc, node, shard, online }));
    }
}

/// Follows the journal while the page is seen. Tells its listener entries(all that are kept, oldest first) and
/// unreadable(sentence).
export class History {
    #listener;
    #process = null;
    #timer = 0;

    constructor(listener) {
        this.#listener = listener;
        cockpit.addEventListener("visibilitychange", () => this.#update());
    }

    start() {
        this.#update();
    }

    #update() {
        clearTimeout(this.#timer);
        if (cockpit.hidden) {
            this.#process?.close();
            this.#process = null;
        } else if (this.#process === null) {
            this.#follow();
        }
    }

    #follow() {
        const entries = [];
        let rest = "";
        const process = cockpit.spawn(
            ["fiefctl", "history", "--follow", "--json", `--lines=${HISTORY_LINES}`],
            { superuser: "try", err: "message" });
        this.#process = process;
        this.#listener.entries([]);
        process.stream(chunk => {
            const lines = (rest + chunk).split("\n");
            rest = lines.pop();
            entries.push(...lines.map(readEntry).filter(entry => entry !== null));
            entries.splice(0, entries.length - HISTORY_LINES);
            this.#listener.entries(entries);
        });
        const end = sentence => {
            if (process !== this.#process)
                return;
            this.#process = null;
            this.#listener.unreadable(sentence);
            this.#timer = setTimeout(() => this.#update(), RETRY_MS);
        };
        process.then(() => end("The journal is not followed any more."))
            .catch(error => end(error.problem === "not-found" ? NOT_INSTALLED : saidByFiefctl(sentenceOf(error))));
    }
}
