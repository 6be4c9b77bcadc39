# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# debian.sh - a whole Debian in a folder, of any release and machine, and commands
# in a copy of it that is thrown away; sourced by tests/machines/run and
# tests/package/run.  Needs root, mmdebstrap and the network.
#
#	arch=amd64 release=trixie
#	emulated=armhf			its programs run there, too
#	debian_make ROOT sudo,mount	once; kept as long as the list is the same
#	debian_copy ROOT RUN SOURCE	RUN/root is to be as it, with SOURCE in
#					the home of a user "tester", who has sudo
#	debian_run RUN tester "COMMAND"	by the shell, in a folder of that source
#	debian_file RUN /PATH		what the commands have left there
arch=${arch:-$(dpkg --print-architecture)}
emulated=${emulated:-}
release=${release:-}
# The release alone, from where this machine has its own: the updates there may
# be for other machines.
debian_here=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
debian_mirror=$(apt-get indextargets --format '$(SITE)' \
    'Created-By: Packages' "Codename: $debian_here" 'Component: main' \
    2>/dev/null | sort -u | head -n 1)

# The kernel has to know the emulator.  It is told in a namespace of its own, so
# that this machine stays as it is.
debian_arm='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
debian_arm_mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

# debian_apart SCRIPT ARGUMENT...: bash in namespaces of its own, with which all
# that it has started ends.
debian_apart() {
	local holder status
	set -- unshare --mount --pid --fork --kill-child bash -ec "$1" bash "${@:2}"
	[ -n "$emulated" ] || { "$@"; return; }
	unshare --user sleep infinity &
	holder=$!
	until [ "$(readlink /proc/$holder/ns/user)" != "$(readlink /proc/$$/ns/user)" ]; do
		sleep 0.1
	done
	echo "0 0 65536" >"/proc/$holder/uid_map"
	echo "0 0 65536" >"/proc/$holder/gid_map"
	nsenter --user --target $holder unshare --mount bash -ec '
		mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
		printf %s ":qemu-arm:M::$1:$2:$(command -v qemu-arm-static):F" \
		    >/proc/sys/fs/binfmt_misc/register
		# Not in place of this shell, which keeps the mount.
		"${@:3}"
		exit 0
	' bash "$debian_arm" "$debian_arm_mask" "$@"
	status=$?
	kill $holder
	wait $holder 2>/dev/null
	return $status
}

debian_make() { # ROOT PACKAGES
	local ready=$1/etc/relais-test-ready
	[ "$(cat "$ready" 2>/dev/null)" != "$2" ] || return 0
	rm -rf "$1"
	mkdir -p "${1%/*}"
	unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root \
	    --architectures="$arch${emulated:+,$emulated}" --variant=apt \
	    --skip=cleanup/apt --include="$2" "$release" "$1" \
	    "deb $debian_mirror $release main" &&
	    printf '127.0.0.1 localhost\n::1 localhost\n' >"$1/etc/hosts" &&
	    echo "$2" >"$ready"
}

debian_copy() { # ROOT RUN SOURCE
	local up=$2/upper
	rm -rf "$2"
	mkdir -p "$2/work" "$2/root" "$up/etc/sudoers.d" \
	    "$up/home/tester/relais"
	echo "$1" >"$2/lower"
	cp -p "$1"/etc/{passwd,group,hosts} "$up/etc/"
	cp -p "$1/etc/shadow" "$up/etc/" 2>/dev/null
	chmod 750 "$up/etc/sudoers.d"
	echo "tester:x:1000:1000::/home/tester:/bin/bash" >>"$up/etc/passwd"
	echo "tester:x:1000:" >>"$up/etc/group"
	echo "tester:*:20000:0:99999:7:::" >>"$up/etc/shadow"
	sed -i "s/^sudo:.*/&tester/" "$up/etc/group"
	echo "%sudo ALL=(ALL) NOPASSWD: ALL" >"$up/etc/sudoers.d/tests"
	echo "127.0.1.1 $(hostname)" >>"$up/etc/hosts"
	cp /etc/resolv.conf "$up/etc/resolv.conf"
	# Nothing that another machine has built.
	tar -C "$3" --exclude=./build\* --exclude=./.git --exclude=\*.o \
	    --exclude=./configure --exclude=./autom4te.cache -cf - . |
	    tar -C "$up/home/tester/relais" -xf - &&
	    chown -R 1000:1000 "$up/home/tester"
}

debian_run() { # RUN USER COMMAND
	debian_apart '
		root=$1/root
		mount -t overlay overlay -o \
		    "${4}lowerdir=$(cat "$1/lower"),upperdir=$1/upper,workdir=$1/work" "$root"
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmpfs "$root/tmp"
		mount --rbind /dev "$root/dev"
		cd "$root"
		pivot_root . mnt
		umount -l /mnt
		home=$(sed -n "s/^$2:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p" /etc/passwd)
		exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		    LC_ALL=C.UTF-8 HOME="$home" setpriv --reuid="$2" \
		    --regid="$2" --init-groups \
		    bash -c "cd /home/tester/relais && $3"
	' "$1" "$2" "$3" "${emulated:+userxattr,}"
}

debian_file() { # RUN PATH
	echo "$1/upper$2"
}
