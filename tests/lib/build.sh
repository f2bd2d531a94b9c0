# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Building fief in the build tree: a shell command there, and the Debian package.

# shellcheck source=tests/lib/roots.sh
source "$(dirname "${BASH_SOURCE[0]}")/roots.sh"

FIEF_PACKAGE_SOURCES=(CMakeLists.txt CMakePresets.json LICENSE bpf config daemon include packaging systemd)

# in_build_root COMMAND…: runs in /build, which persists; the sources are in /src, read-only.
in_build_root() {
	need_root_tree build 60
	mkdir -p "$FIEF_WORK/build"
	# shellcheck disable=SC2016 # $@ is for the inner shell
	in_root build "$FIEF_SOURCE:/src:ro" "$FIEF_WORK/build:/build:rw" "$FIEF_CACHE/ccache:/ccache:rw" -- \
		sh -c 'cd /build && exec "$@"' sh "$@"
}

# The package that need_package made; fief-cockpit.deb lies beside it.
package_path() { printf '%s\n' "$FIEF_WORK/package/fief.deb"; }

package_key() {
	basename "$(root_path build)"
	digest "${FIEF_PACKAGE_SOURCES[@]}"
}

need_package() {
	need_root_tree build 60
	have_package || with_lock package make_package
}

have_package() {
	[[ $(package_key) == "$(cat "$(package_path).key" 2>/dev/null)" ]]
}

make_package() (
	set -e
	# Somebody else has made it meanwhile.
	! have_package || exit 0
	key=$(package_key)
	say "building fief's Debian package (some minutes the first time)"
	# The same place every time, so that the compiler cache recognises the files.
	stage=$FIEF_WORK/package
	rm -rf --one-file-system "$stage"
	mkdir -p "$stage/fief"
	cd "$FIEF_SOURCE"
	for path in "${FIEF_PACKAGE_SOURCES[@]}"; do
		[[ ! -e $path ]] || cp --recursive --preserve=mode,timestamps "$path" "$stage/fief/"
	done
	cp --recursive packaging/debian "$stage/fief/debian"
	# shellcheck disable=SC2016 # expanded in the build tree
	logged package in_root build "$stage:/build:rw" "$FIEF_CACHE/ccache:/ccache:rw" -- \
		sh -c 'cd /build/fief && DEB_BUILD_OPTIONS=terse dpkg-buildpackage --build=binary --no-sign --jobs="$(nproc)"'
	mv "$stage"/fief_*.deb "$stage/fief.deb"
	mv "$stage"/fief-cockpit_*.deb "$stage/fief-cockpit.deb"
	rm -rf --one-file-system "$stage/fief"
	printf '%s\n' "$key" >"$stage/fief.deb.key"
)

# build_preset PRESET [TARGET…]: configures, and builds those targets in /build/PRESET.
build_preset() { with_lock "build-$(basename "$FIEF_WORK")" build_preset_now "$@"; }

build_preset_now() {
	local preset=$1
	need_root_tree build 60
	say "configuring preset $preset"
	logged "configure-$preset" in_build_root cmake -S /src -B "$preset" --preset "$preset"
	shift
	[[ $# -gt 0 ]] || return 0
	say "building $*"
	logged "build-$preset" in_build_root cmake --build "$preset" --target "$@"
}
