#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "make install" and what README says about it, beside the mail system OTHER or
# none, and "make uninstall".
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_enter
mkdir -p "$root$srcdir" "$root$top_builddir"
mount --bind "$srcdir" "$root$srcdir"
case $top_builddir in
"$srcdir"/*) ;;
*) mount --bind "$top_builddir" "$root$top_builddir" ;;
esac

# What was built is newer than the headers that it was built from.
for folder in /usr/include /usr/lib/gcc "/usr/lib/$(gcc -print-multiarch)/glib-2.0"; do
	mkdir -p "$root$folder"
	[ ! -d "$folder" ] || mount --bind "$folder" "$root$folder"
done

names="/usr/sbin/sendmail /usr/lib/sendmail /usr/bin/mailq /usr/bin/newaliases"
# What each of them is: the file at the end of its links, and its content.
what_is_there() {
	inside "for f in $names; do echo \$f \$(readlink -f \$f) \$(md5sum <\$f); done" \
	    2>/dev/null
}
make_it() {
	inside "make -C '$top_builddir' $1" >"$T/$1.log" 2>&1 && return
	show_log "$1"
	return 1
}
before=$(what_is_there)

check "make install" make_it install
check "  puts an example into /etc/relais" \
    [ -s "$root/etc/relais/relais.conf.example" ]
check "  says what to type next" grep -q "relais setup YOUR-ADDRESS" "$T/install.log"
check "  and leaves sendmail alone" eval '[ "$before" = "$(what_is_there)" ]'

options="--host mail.example.test --yes --no-send --password-file /root/password"
# What it says, with an address in place of YOUR-ADDRESS and without a person.
start_provider provider
(umask 077 && printf '%s\n' "$PASSWORD" >"$root/root/password")
grep -E '^    (useradd|.*relais setup)' "$T/install.log" | sed \
    "s|YOUR-ADDRESS|$USER_NAME $options|" >"$root/root/next"
next() {
	[ "$(wc -l <"$root/root/next")" = 2 ] &&
	    inside "sh -e /root/next" >"$T/next.log" 2>&1 && return
	show_log next
	return 1
}
check "what it says works" next
sed -n '/^    for file in/,/^    done/p' "$srcdir/README" >"$root/root/links"
check "README's commands make it the machine's sendmail" eval \
    'inside "sh -e /root/links" >"$T/links.log" 2>&1 &&
    [ "$(inside "for f in $names; do readlink \$f; done" | uniq)" = /usr/local/sbin/sendmail ]'
check "  and a mail arrives" eval '{ start daemon chroot "$root" \
    /usr/local/sbin/relaisd -f; wait_port daemon 127.0.0.1 25; send first
    until_true 30 arrived first; }'
check "  mailq and newaliases are ours" eval 'inside "mailq && newaliases" >/dev/null'
stop daemon

check "make uninstall" make_it uninstall
check "  puts back what was there" eval '[ "$before" = "$(what_is_there)" ]'
check "  and leaves no link, no diversion and no file behind" eval \
    'none_dangling && ! inside "dpkg-divert --list" | grep -E "sendmail|mailq|newaliases" &&
    [ -z "$(find "$root/usr/local" "$root/etc/systemd" -name "*relais*" ! -type d)" ]'
sandbox_done
