# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# guest_options FILE: the guest that tests ask for with a line "# guest: --cpus 8 --timeout 600" in
# their file, as the array "options" for tests/vm/guest.

guest_options() {
	# shellcheck disable=SC2034 # for the caller
	read -r -a options < <(sed -n 's/^# guest: *//p' "$1" | head -n 1) || true
}
