# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What every test script shares: progress lines, the cache, host packages, cleaning up.

FIEF_SOURCE=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
FIEF_CACHE=${FIEF_CACHE:-/var/cache/fief-tests}
# Two checkouts on one machine must not clobber each other's build.
FIEF_WORK=$FIEF_CACHE/work/$(basename "$FIEF_SOURCE")-$(sha256sum <<<"$FIEF_SOURCE" | cut -c1-8)

say() { printf '== %s\n' "$*" >&2; }
die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

need_root() {
	[[ $EUID -eq 0 ]] || die "must run as root (try: sudo $0)"
	umask 022
	mkdir -p "$FIEF_CACHE/log" "$FIEF_CACHE/ccache" "$FIEF_WORK"
}

# with_lock NAME FUNCTION ARG…: one run at a time does this on the machine.
with_lock() {
	local name=$1 fd status
	shift
	exec {fd}>"$FIEF_CACHE/$name.lock"
	if ! flock --nonblock "$fd"; then
		say "waiting for another run that holds $name"
		flock --timeout 3600 "$fd" || die "$name is still locked after an hour"
	fi
	# Not "|| status=$?", with which nothing in there would end at its first failure.
	"$@"
	status=$?
	exec {fd}>&-
	return "$status"
}

# logged NAME COMMAND…: the output goes to a log, whose end is shown when the command fails.
logged() {
	local log status=0
	log=$FIEF_CACHE/log/$(basename "$FIEF_WORK")-$1.log
	"${@:2}" >"$log" 2>&1 || status=$?
	[[ $status -ne 0 ]] || return 0
	tail -n 60 "$log" >&2
	printf '%s failed with %d; all of its output is in %s\n' "$1" "$status" "$log" >&2
	return "$status"
}

# host_packages PACKAGE…: installs what is missing on this machine.
host_packages() {
	local package missing=()
	for package in "$@"; do
		[[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			missing+=("$package")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	say "installing on this machine: ${missing[*]}"
	logged host-packages apt-get update
	# The keyring too: an old one does not know the release of the guest.
	DEBIAN_FRONTEND=noninteractive logged host-packages apt-get install --yes --no-install-recommends \
		debian-archive-keyring "${missing[@]}"
}

# digest PATH…: one hash over the names and contents of files of this tree; an absent one counts for nothing.
digest() (
	cd "$FIEF_SOURCE" || exit
	present=()
	for path in "$@"; do
		[[ ! -e $path ]] || present+=("$path")
	done
	[[ ${#present[@]} -gt 0 ]] || exit 0
	tar --create --sort=name --mode=go=rX,u+w --mtime=@0 --owner=0 --group=0 --numeric-owner \
		--exclude='*.pyc' --exclude=__pycache__ "${present[@]}" | sha256sum | cut -c1-16
)

# record_result DIRECTORY NAME passed|failed: one result in the form in which test tools report theirs.
record_result() {
	mkdir -p "$1"
	printf '<testsuite name="%s" tests="1" failures="%d"/>\n' "$2" "$([[ $3 == passed ]] || echo 1)" >"$1/$2.xml"
}
