// SPDX-License-Identifier: GPL-2.0-only
// The page: what the client hears becomes views, and views are drawn.
import { Daemon, History } from "./client.js";
import { onReload, onSubject, showDialog, showHistory, showLive, showUnavailable } from "./draw.js";
import { historyOf, usageBetween, viewOf } from "./model.js";
import { followTheme } from "./theme.js";

let before = null;

const daemon = new Daemon({
    status(status, topology, seconds) {
        showLive(viewOf(status, topology, usageBetween(before, status, seconds)));
        before = status;
    },
    absent(sentence) {
        before = null;
        showUnavailable("absent", "fief is not at work",
                        [sentence, "Until it runs, tasks are with the kernel's own scheduler, or with the schedulers " +
                            "that a daemon which crashed has left attached."],
                        "systemctl enable --now fiefd");
    },
    failed(phase, sentence) {
        before = null;
        showUnavailable(phase, phase === "denied" ? "You may not see this" : "The state could not be read",
                        [sentence], "");
    },
});

let lines = [];
const history = new History({
    entries(entries) {
        lines = historyOf(entries);
        showHistory(lines, "");
    },
    unreadable(sentence) {
        showHistory(lines, sentence);
    },
});

onSubject(subject => {
    const title = /^\d+$/.test(subject) ? `CPU ${subject}` : subject;
    showDialog(title, daemon.explain(subject));
});

onReload(() => showDialog("Reload the policy", daemon.previewReload(), {
    label: "Put it in force",
    run: async () => {
        await daemon.reload();
        return "The policy is in force.";
    },
}));

followTheme();
daemon.start();
history.start();
