# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's disk image: the guest tree, the agent, and fief's package unless it is the bare image.
#
# image_path [DEB] names it, need_image [DEB] makes it; GUEST_TREE says of which tree: guest, or runtimes with
# the container runtimes in it, and their plugin.

# shellcheck source=tests/lib/nri.sh
source "$(dirname "${BASH_SOURCE[0]}")/nri.sh"

GUEST_TREE=guest

image_path() {
	local name=bare
	[[ $# -eq 0 ]] || name=fief-$(basename "$FIEF_WORK")
	[[ $GUEST_TREE == guest ]] || name+=-$GUEST_TREE
	printf '%s/images/%s.ext4\n' "$FIEF_CACHE" "$name"
}

# What an image was made of; one with the same key need not be made again.
image_key() {
	basename "$(root_path "$GUEST_TREE")"
	digest tests/vm/inside tests/lib/image.sh
	[[ $# -eq 0 ]] || sha256sum <"$1"
	[[ $GUEST_TREE != runtimes ]] || nri_plugin_key
}

need_image_trees() {
	need_root_tree "$GUEST_TREE" 40
	need_root_tree machine 30
	[[ $GUEST_TREE != runtimes ]] || need_nri_plugin
}

need_image() {
	need_image_trees
	local image
	image=$(image_path "$@")
	[[ -e $image && $(image_key "$@") == "$(cat "$image.key" 2>/dev/null)" ]] || with_lock image make_image "$@"
}

# stage_tree DIRECTORY [DEB]: the tree with the agent, and fief if its package is given.
stage_tree() {
	local tree=$1
	cp --archive --reflink=auto "$(root_path "$GUEST_TREE")" "$tree"
	install -D --mode=755 "$FIEF_SOURCE/tests/vm/inside/agent" "$tree/usr/lib/fief-guest/agent"
	install -D --mode=644 "$FIEF_SOURCE/tests/vm/inside/fief-guest.service" \
		"$tree/etc/systemd/system/fief-guest.service"
	mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
	ln -s ../fief-guest.service "$tree/etc/systemd/system/multi-user.target.wants/"
	if [[ $# -gt 1 ]]; then
		cp "$2" "$tree/fief.deb"
		DEBIAN_FRONTEND=noninteractive logged install-fief chroot "$tree" dpkg --install /fief.deb
		rm "$tree/fief.deb"
	fi
	[[ $GUEST_TREE != runtimes ]] || stage_nri_plugin "$tree"
}

stage_nri_plugin() {
	install -D --mode=755 "$(nri_plugin_path)" "$1/usr/libexec/fief-nri"
	install -D --mode=644 "$FIEF_SOURCE/packaging/nri/fief-nri.service" "$1/usr/lib/systemd/system/fief-nri.service"
}

make_image() (
	image=$(image_path "$@")
	say "making the guest's disk image (about 15 s)"
	mkdir -p "$FIEF_CACHE/images"
	staging=$image.new
	trap 'rm -rf --one-file-system "$staging"' EXIT
	rm -rf --one-file-system "$staging"
	mkdir "$staging"
	stage_tree "$staging/tree" "$@"

	truncate --size=2G "$staging/ext4"
	logged mke2fs in_root machine "$staging:/work:rw" -- \
		mke2fs -q -t ext4 -O '^has_journal' -E lazy_itable_init=1 -d /work/tree /work/ext4
	# The key goes first and comes last: an image is never taken for another.
	rm -f "$image.key"
	mv "$staging/ext4" "$image"
	image_key "$@" >"$image.key"
)
