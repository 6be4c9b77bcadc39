# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# setup.sh - what contrib/try and contrib/test have in common; sourced by them.
#
# Works on Debian and Ubuntu, as root or as a user with sudo.

build_packages="gcc make autoconf automake pkg-config libc6-dev
    libuv1-dev libgnutls28-dev libgsasl-dev libinih-dev libidn2-dev
    libjansson-dev libcurl4-gnutls-dev libc-ares-dev libexpat1-dev libseccomp-dev
    libsecret-1-dev libpq-dev libmicrohttpd-dev libglib2.0-dev"

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Says what is done, and its output only when it goes wrong.
step() {
	step_name=$1
	shift
	printf '%-60s ' "$step_name ..."
	if "$@" >"$log" 2>&1; then
		echo "done"
		return 0
	fi
	echo FAILED
	tail -n 40 "$log" | sed 's/^/  | /'
	return 1
}

# install PACKAGE...: those that are missing, and nothing that comes along only
# as a recommendation (that may be a mail server).
install() {
	missing=
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
		    grep -q 'ok installed' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || {
		echo "this script installs packages with apt-get;" \
		    "install these yourself and start it again:$missing"
		return 1
	}
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
	# One word each.
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy \
	    --no-install-recommends $missing
}

# prepare DIR OPTION...: configure in DIR, again if it was there.
prepare() {
	build_dir=$1
	shift
	mkdir -p "$build_dir" || return 1
	# shellcheck disable=SC3013 # dash and busybox know it
	[ -x ./configure ] && [ ./configure -nt ./configure.ac ] ||
	    ./bootstrap || return 1
	top=$(pwd)
	(cd "$build_dir" && "$top/configure" "$@")
}

# build DIR OPTION...: the same, and make.
build() {
	prepare "$@" && make -C "$build_dir" -j"$(nproc)"
}
