# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the scripts that run tests in a guest share.
#
# guests FILE: the guests that tests ask for, each with a line "# guest: --cpus 8 --timeout 600" in
# their file: the options for tests/vm/guest, a line each.

guests() {
	sed -n 's/^# guest: *//p' "$1"
}

# tests_apart FILE: of the tests that a file lists, the filter of those that want a guest of another kind, from
# their line "# guest for FILTER: OPTIONS"; guest_apart FILE: that guest's options.
tests_apart() {
	sed -n 's/^# guest for \([^:]*\): .*/\1/p' "$1"
}
guest_apart() {
	sed -n 's/^# guest for [^:]*: //p' "$1"
}

# short_form FILE: what a short run (check --short) makes of these tests, from their line "# short: WHAT";
# nothing where it leaves them out.
short_form() {
	sed -n 's/^# short: *//p' "$1"
}

# run_guest ARGUMENT…: tests/vm/guest run, and again where the guest died of its emulator (status 123).
run_guest() {
	local tries status
	for tries in 1 2 3; do
		status=0
		setpriv --pdeathsig TERM "$FIEF_SOURCE/tests/vm/guest" run "$@" || status=$?
		[[ $status -eq 123 && $tries -lt 3 ]] || return "$status"
		say "once more"
	done
}
