#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# host-unit.sh RESULTS TARGET…: on a Debian 12 machine, builds the unit tests of the plain C++ parts (no
# BPF, no libbpf) with its own, older compiler and libraries, and runs them there.
set -euo pipefail
# shellcheck source=tests/lib/common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

[[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == bookworm ]] || exit 0

results=$1
shift
targets=("$@")
build=$FIEF_WORK/build/host
build_here() {
	export CCACHE_DIR=$FIEF_CACHE/ccache PATH=/usr/lib/ccache:$PATH
	cmake -S "$FIEF_SOURCE" -B "$build" --preset portable && cmake --build "$build" --target "${targets[@]}"
}

host_packages ccache cmake g++ libboost-dev libcli11-dev libexpected-dev libfmt-dev libgmock-dev libgtest-dev liblemon-dev \
	libpcre2-dev librapidcheck-dev libspdlog-dev libsystemd-dev libvalijson-dev ninja-build nlohmann-json3-dev pkgconf
say "building the plain C++ parts with this machine's compiler"
# In a condition, bash would go on after a failure.
set +e
(
	set -e
	with_lock "build-$(basename "$FIEF_WORK")" logged build-host build_here
)
status=$?
set -e
if [[ $status -ne 0 ]]; then
	record_result "$results" host-build failed
	exit 1
fi
ctest --test-dir "$build" --label-regex '^(unit|golden)$' --parallel "$(nproc)" --output-on-failure \
	--no-tests=ignore --output-junit "$results/host.xml"
