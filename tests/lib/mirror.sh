# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Where packages come from: the archive this machine's own apt is set up with, and how apt reaches it.

# Debian's main archive, whatever host serves it. The release file tells it from other people's
# repositories, so the package lists have to be there.
debian_mirror() {
	local mirror
	mirror=$(find_debian_mirror)
	if [[ -z $mirror ]]; then
		logged apt-update apt-get update
		mirror=$(find_debian_mirror)
	fi
	[[ -n $mirror ]] || die "apt on this machine is not set up with a Debian archive"
	printf '%s\n' "$mirror"
}

find_debian_mirror() {
	# shellcheck disable=SC2016 # the variables are apt's
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" && $4 !~ /^cdrom:/ && !found++ { print $4 }'
}

# Proxies, retries, date checks: as set up on this machine.
apt_transport_options() {
	apt-config dump | grep -E '^Acquire::(https?|ftp|tor|Check-|Max-|Retries|ForceIP|Allow|By-Hash|Proxy)' |
		grep -v ' "";$' || true
}
