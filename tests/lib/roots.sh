# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian 13 directory trees to build and to boot, made once and kept in the cache.
#
# roots/NAME.packages lists what is in a tree, roots/NAME.setup (optional) finishes it. What roots/NAME.base
# (optional) names is in it and done first. A tree is named by the hash of its recipe: another recipe makes
# another tree.

# shellcheck source=tests/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=tests/lib/mirror.sh
source "$FIEF_SOURCE/tests/lib/mirror.sh"

FIEF_RECIPES=tests/lib/roots

# recipe_parts NAME: the recipe's parts without their endings, the first one first.
recipe_parts() {
	local recipe=$FIEF_RECIPES/$1
	[[ ! -e $FIEF_SOURCE/$recipe.base ]] || recipe_parts "$(<"$FIEF_SOURCE/$recipe.base")"
	printf '%s\n' "$recipe"
}

root_path() {
	local part files=()
	for part in $(recipe_parts "$1"); do files+=("$part.packages" "$part.setup"); done
	printf '%s/roots/%s-%s\n' "$FIEF_CACHE" "$1" "$(digest "${files[@]}" "$FIEF_RECIPES/kernel.pin")"
}

# need_root_tree NAME SECONDS: makes the tree unless the cache has it.
need_root_tree() {
	touch --no-create "$(root_path "$1")"
	[[ -d $(root_path "$1") ]] || with_lock "root-$1" make_root_tree "$@"
}

# What several trees need of this machine, before they are made side by side.
prepare_for_trees() {
	host_packages mmdebstrap
	debian_mirror >/dev/null
}

make_root_tree() (
	local name=$1 seconds=$2 target staging mirror packages options part parts setup=()
	target=$(root_path "$name")
	[[ ! -d $target ]] || exit 0
	host_packages mmdebstrap
	cd "$FIEF_SOURCE" || exit
	mirror=$(debian_mirror)
	mapfile -t parts < <(recipe_parts "$name")
	packages=$(grep --no-filename -v '^#' "${parts[@]/%/.packages}" | paste --serial --delimiters=,)
	say "making the $name tree: Debian 13 (about $seconds s)"
	mkdir -p "$FIEF_CACHE/roots"
	# Whatever an interrupted run left, and trees of recipes that nobody has used for a week.
	rm -rf --one-file-system "$FIEF_CACHE/roots/$name-"*.new
	find "$FIEF_CACHE/roots" -maxdepth 1 -name "$name-*" -mtime +7 -exec rm -rf --one-file-system '{}' +
	staging=$target.new
	options=$FIEF_CACHE/roots/$name-apt.conf
	apt_transport_options >"$options"
	for part in "${parts[@]}"; do
		[[ ! -e $part.setup ]] || setup+=(--customize-hook="'$FIEF_SOURCE/$part.setup' \"\$1\"")
	done
	# shellcheck disable=SC2016 # $1 is for mmdebstrap's shell
	logged "root-$name" mmdebstrap --mode=root --variant=essential --include="$packages" \
		--aptopt="$options" \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--setup-hook="install -Dm644 '$FIEF_SOURCE/$FIEF_RECIPES/kernel.pin' \"\$1/etc/apt/preferences.d/kernel\"" \
		"${setup[@]}" \
		--customize-hook='rm "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"' \
		trixie "$staging" \
		"deb $mirror trixie main" "deb $mirror trixie-updates main" "deb $mirror trixie-backports main" ||
		{
			rm -rf --one-file-system "$staging"
			exit 1
		}
	rm "$options"
	touch "$staging"
	mv "$staging" "$target"
)

# in_root NAME [SOURCE:TARGET:ro|rw]… -- COMMAND…: runs a command in a tree; see enter-root.
in_root() {
	"$FIEF_SOURCE/tests/lib/enter-root" "$(root_path "$1")" "${@:2}"
}
