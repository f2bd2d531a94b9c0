// SPDX-License-Identifier: GPL-2.0-only
// Follows the theme that is chosen in Cockpit's menu, or that of the desktop.

const dark = matchMedia("(prefers-color-scheme: dark)");

function apply(chosen) {
    const style = chosen ?? localStorage.getItem("shell:style") ?? "auto";
    const isDark = style === "dark" || (style === "auto" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
}

/// Applies it, now and whenever it changes.
export function followTheme() {
    addEventListener("cockpit-style", event => apply(event.detail?.style));
    addEventListener("storage", event => {
        if (event.key === "shell:style")
            apply(event.newValue);
    });
    dark.addEventListener("change", () => apply());
    apply();
}
