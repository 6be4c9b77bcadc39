#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2153
# The package in a Debian of its own: ROOT, with the mail system OTHER or none;
# the packages are in DEBS.  Started by tests/package/run.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_enter
start_provider provider

if [ -n "$OTHER" ]; then
	check "sendmail is of $OTHER first" \
	    eval '[ "$(package_of "$(inside "readlink -f /usr/sbin/sendmail")")" != relais ]'
fi
check "it installs" install_relais
[ -z "$OTHER" ] || check "$OTHER goes" \
    eval '! inside "dpkg-query -W -f \${db:Status-Status} $OTHER" 2>/dev/null | grep -qx installed'
check "sendmail is ours, by both of its paths" sendmail_is_ours
check "no link leads nowhere" none_dangling
check "a mail before there is a configuration waits" \
    eval 'send first && [ "$(waiting)" = 1 ]'

configure
check "relaisd takes the configuration" inside "relaisd --check"
run_daemon
check "the mail that waited arrives" until_true 30 arrived first
check "mailq and newaliases are ours" \
    eval 'inside "mailq && newaliases"'
check "so does the next" eval 'send second && until_true 30 arrived second'
check "an upgrade leaves the configuration and the daemon alone" \
    eval 'install_relais && send third && until_true 30 arrived third'

stop daemon
send fourth
check "removed, it leaves mail and configuration" eval 'apt remove relais &&
    [ "$(waiting)" = 1 ] && [ -e "$root/etc/relais/mail.secret" ]'
check "  and no link that leads nowhere" none_dangling
check "purged, it says where mail still waits" \
    eval 'inside "dpkg --purge relais" >"$T/purge" 2>&1 &&
    grep -q "1 message waits in /var/spool/relais" "$T/purge"'
check "  and takes the secret along" eval '[ ! -e "$root/etc/relais" ]'
check "installed again, it delivers that mail" eval 'install_relais && configure &&
    { run_daemon; until_true 30 arrived fourth; }'
stop daemon
check "purged with nothing waiting, nothing of it is left" \
    eval 'inside "dpkg --purge relais" >/dev/null 2>&1 &&
    [ ! -e "$root/var/spool/relais" ] && [ ! -e "$root/etc/relais" ]'
sandbox_done
