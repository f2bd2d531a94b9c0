# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The plugin fief-nri, built and tested in the tree with Go, from Debian's packages of what it needs.

# shellcheck source=tests/lib/roots.sh
source "$(dirname "${BASH_SOURCE[0]}")/roots.sh"

nri_plugin_path() { printf '%s\n' "$FIEF_WORK/nri/fief-nri"; }

# in_golang_root COMMAND…: runs in the plugin's sources, /src, with /build to write to.
in_golang_root() {
	need_root_tree golang 60
	mkdir -p "$FIEF_WORK/nri/cache"
	# shellcheck disable=SC2016 # $@ is for the inner shell
	in_root golang "$FIEF_SOURCE/packaging/nri:/src:ro" "$FIEF_WORK/nri:/build:rw" -- sh -c '
		export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=/build/cache CGO_ENABLED=0
		cd /src && exec "$@"' sh "$@"
}

nri_plugin_key() {
	basename "$(root_path golang)"
	digest packaging/nri
}

need_nri_plugin() {
	[[ $(nri_plugin_key) == "$(cat "$(nri_plugin_path).key" 2>/dev/null)" ]] ||
		with_lock "nri-$(basename "$FIEF_WORK")" make_nri_plugin
}

make_nri_plugin() {
	say "building and testing the NRI plugin"
	logged nri-vet in_golang_root go vet . || return
	logged nri-test in_golang_root go test . || return
	logged nri-build in_golang_root go build -trimpath -ldflags="-s -w" -o /build/fief-nri . || return
	nri_plugin_key >"$(nri_plugin_path).key"
}
