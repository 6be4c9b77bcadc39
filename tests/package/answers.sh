#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The package where systemd runs, configured by the answers that debconf has.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_boot

conf=$root/etc/relais/relais.conf
# answer QUESTION TYPE VALUE: before the package asks.
answer() {
	inside "debconf-set-selections" <<<"relais relais/$1 $2 $3"
}
answers() { # PASSWORD [PROVIDER]
	answer address string "$USER_NAME"
	answer provider string "${2:-mail.example.test}"
	answer password password "$1"
	answer admin string admin@example.test
}
log() { inside "journalctl --no-pager -o short -t relaisd" | sed '/^-- /d'; }
rules=$root/etc/logcheck/ignore.d.server/relais
purge() { inside "dpkg --purge relais" >"$T/purge.log" 2>&1; }
is_active() { inside "systemctl is-active --quiet $1"; }
knows_password() {
	grep -rlF "$PASSWORD" "$root/var/cache/debconf" "$root/var/lib/dpkg" \
	    "$root/var/log" 2>/dev/null
}

check "without answers it installs and asks nothing" install_relais
check "  it says what to type" grep -q "Type: relais setup" "$T/apt.log"
check "  service and sockets wait, and none has failed" eval \
    '! is_active relais.service && ! is_active relais.socket &&
    [ -z "$(inside "systemctl list-units --failed --plain --no-legend relais*")" ]'
purge

start_provider provider
answers "$PASSWORD"
check "with answers, a password among them, it installs" eval \
    '[ -n "$(knows_password)" ] && install_relais'
check "  the configuration is written" inside "relaisd --check"
check "  service and sockets run" eval \
    'is_active relais.service && is_active relais.socket'
check "  mail flows" eval 'send first && until_true 30 arrived first'
check "  also by port 25" eval 'inside "printf \
    \"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nSubject: port\r\n\r\n.\r\nQUIT\r\n\" |
    bash -c \"exec 3<>/dev/tcp/127.0.0.1/25; cat >&3; cat <&3\"" | grep -q "^250 2.0.0" &&
    until_true 30 arrived port'
check "  and at the next start of the machine" inside \
    "systemctl is-enabled --quiet relais.service relais.socket"
check "  logcheck has nothing to report of a usual day" eval \
    '! log | grep -vEf "$rules" | grep .'
check "  mail for root goes to the address that was given" eval \
    'grep -qx "admin = admin@example.test" "$conf"'
check "  the password is in one file, which only the daemon reads" eval \
    '[ "$(grep -rlF "$PASSWORD" "$root/etc")" = "$(echo "$root"/etc/relais/secrets/*)" ] &&
    [ "$(inside "stat -c %a:%U /etc/relais/secrets/*")" = 600:relais ]'
check "  debconf and the logs have forgotten it" eval '[ -z "$(knows_password)" ]'

sum=$(sha256sum <"$conf")
answers "of somebody else"
check "answers change no configuration that is there" eval \
    'install_relais && [ "$sum" = "$(sha256sum <"$conf")" ]'
check "  and service and sockets run" eval \
    'is_active relais.service && is_active relais.socket'
answers "$PASSWORD"
answer admin string other@example.test
check "asked again by dpkg-reconfigure, they change it" eval \
    'inside "dpkg-reconfigure relais" >"$T/again.log" 2>&1 &&
    grep -qx "admin = other@example.test" "$conf" && [ -z "$(knows_password)" ]'
check "removed, nothing of it runs" eval \
    'inside "dpkg --remove relais" >"$T/remove.log" 2>&1 && ! is_active relais.service &&
    ! is_active relais.socket && ! port_open 127.0.0.1 25'
purge
check "purged, neither units nor answers are left" eval '[ -z "$(inside \
    "systemctl list-unit-files --plain --no-legend relais*; debconf-show relais")" ]'

answers "not the password"
check "a wrong password does not fail the installation" install_relais
check "  it writes no configuration" eval '[ ! -e "$conf" ]'
check "  it says what is wrong, and what to type" eval \
    'grep -q "auth .*535" "$T/apt.log" && grep -q "Type: relais setup $USER_NAME" "$T/apt.log"'
purge

for wrong in "provider no-such-provider" "address no address" "admin nobody"; do
	answers "$PASSWORD"
	answer "${wrong%% *}" string "${wrong#* }"
	check "a wrong ${wrong%% *} does not fail it either" install_relais
	check "  it says what is wrong, and what to type" eval \
	    'grep -qF "\"${wrong#* }\"" "$T/apt.log" &&
	    grep -q "Type: relais setup" "$T/apt.log"'
	check "  it writes no configuration and keeps no password" eval \
	    '[ ! -e "$conf" ] && [ -z "$(knows_password)" ]'
	purge
done

# As where an image is made without a network.
sed -i 's/^127.0.0.1 mail/192.0.2.1 mail/' "$root/etc/hosts"
answers "$PASSWORD"
check "a provider that cannot be reached does not fail it either" install_relais
check "  the configuration is written" eval '[ -e "$conf" ]'
check "  and it says that the login was not tried" \
    grep -q "The login was not tried" "$T/apt.log"
send waits
check "  of which logcheck tells" eval \
    'until_true 20 eval "log | grep -vEf \"$rules\" | grep -q mail.example.test"'
cp /etc/hosts "$root/etc/hosts"
inside "relais retry --all >/dev/null"
check "  mail waits for the provider" until_true 30 arrived waits
sandbox_done
