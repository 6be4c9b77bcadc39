#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The page, the notifications and the journal where systemd runs: the units of the
# machine, and those of a user who runs a relaisd of their own.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_boot
start_provider provider --fail 'rcpt/never*:550:5.1.1:no such user'
check "relais and what is beside it install" apt \
    "install /debs/relais_*_*.deb /debs/relais-web_*_*.deb /debs/relais-notify_*_*.deb"
configure
sed -i 's/^hostname/log_format = journal\n&/' "$root/etc/relais/relais.conf"
inside "useradd -m ann && useradd -m bob"
uid=$(inside "id -u ann")
check "  relaisd runs" inside "systemctl start relais.socket relais.service"
as() { # USER COMMAND
	inside "exec setpriv --reuid $1 --regid $1 --init-groups env HOME=/home/$1 \
	    XDG_RUNTIME_DIR=/run/user/\$(id -u $1) sh -c '$2'"
}
page() { as "$1" "curl -sS --max-time 20 http://localhost:$2/" >"$T/page" 2>&1; }
shows() { page "$1" "$2" && grep -qF -- "$3" "$T/page"; }

# --- the machine's page ---------------------------------------------------------

is_active() { inside "systemctl is-active --quiet $1"; }
check "relais-web.socket waits, and nothing runs for it" eval \
    'is_active relais-web.socket && ! is_active relais-web.service'
check "  it waits at the next start of the machine, too" inside \
    "systemctl is-enabled --quiet relais-web.socket"
check "  ann is shown what ann may see" until_true 20 shows ann 8587 "What ann may see"
check "  root what root may" shows root 8587 "What root may see"
check "  by IPv6, too" inside "curl -sSg 'http://[::1]:8587/' | grep -q 'What root'"
check "  the account is there" shows ann 8587 "mail.example.test"
check "  the program runs as its own user" test "$(inside \
    "stat -c %U /proc/\$(systemctl show -P MainPID relais-web)")" = relais-web
check "a message of ann's" as ann \
    "printf \"Subject: hers\n\n\n\" | sendmail -odq never-ann@example.org"
inside "relais flush" >/dev/null
check "  that fails is on ann's page" until_true 30 shows ann 8587 never-ann
check "  and not on bob's" eval \
    'shows bob 8587 "What bob may see" && ! grep never-ann "$T/page"'
inside "systemctl stop relais.socket relais.service"
check "relaisd is away: what to type" shows ann 8587 "systemctl start relais<"
inside "systemctl start relais.socket relais.service"
check "  it comes back" until_true 20 shows ann 8587 "mail.example.test"
inside "systemctl kill -s KILL relais-web.service"
check "killed, it is there again" until_true 20 shows ann 8587 "What ann may see"
check "  no unit has failed" eval '[ -z "$(inside \
    "systemctl list-units --failed --plain --no-legend relais*")" ]'

# --- the journal ----------------------------------------------------------------

entry() { # JQ-CONDITION: the newest of relaisd's for which it holds
	inside "journalctl --no-pager -o json SYSLOG_IDENTIFIER=relaisd" |
	    jq -se "map(select($1)) | length > 0" >/dev/null
}
check "the journal has a delivery's fields" eval \
    'send fields && until_true 30 entry ".RELAIS_EVENT == \"sent\" and
	.RELAIS_TO == \"someone@example.org\" and .RELAIS_ACCOUNT == \"mail\" and
	.RELAIS_CODE == \"250\" and .PRIORITY == \"6\""'
check "  by which it is found" inside "journalctl -q --no-pager \
    RELAIS_TO=someone@example.org RELAIS_EVENT=sent | grep -q sent"
check "  an entry belongs to the unit" \
    entry '.RELAIS_EVENT == "sent" and ._SYSTEMD_UNIT == "relais.service"'
check "  a failure is a warning or worse" entry '.RELAIS_TO ==
    "never-ann@example.org" and .RELAIS_EVENT == "failed" and (.PRIORITY | tonumber) <= 4'
inside "systemctl restart systemd-journald"
check "  after a restart of journald as before" eval \
    'send again && until_true 30 entry ".MESSAGE | test(\"sent .*id=\")"'

# --- one's own ------------------------------------------------------------------

inside "systemctl start user@$uid.service"
user_systemd() { inside "setpriv --reuid ann --regid ann --init-groups env HOME=/home/ann \
    XDG_RUNTIME_DIR=/run/user/$uid systemctl --user $*"; }
until_true 20 user_systemd "list-units >/dev/null" || {
	inside "journalctl -q --no-pager -u user@$uid.service | tail -n 5" |
	    sed 's/^/     | /'
	fail "ann's own systemd runs"
}
mkdir -p "$root/home/ann/.config/relais"
sed -e 's/^listen = .*/listen = 127.0.0.1:2530/' \
    -e 's,/etc/relais/mail.secret,/home/ann/.config/relais/secret,' \
    -e 's/^\[account mail\]/[account hers]/' -e /^admin/d -e /^log_format/d \
    -e 's,/pki/ca.pem,/etc/ssl/certs/of-root.pem,' \
    "$root/etc/relais/relais.conf" >"$root/home/ann/.config/relais/relais.conf"
cp "$root/etc/relais/mail.secret" "$root/home/ann/.config/relais/secret"
inside "chown -R ann:ann /home/ann && chmod 600 /home/ann/.config/relais/*"
# A file of root's, by a link of root's.
inside "cp /pki/ca.pem /etc/ssl/of-root && chmod 644 /etc/ssl/of-root &&
    ln -s ../of-root /etc/ssl/certs/of-root.pem"
check "the user's relaisd starts" user_systemd "enable --now relais.service"
check "  and the socket of its page" user_systemd "enable --now relais-web.socket"
check "  which nothing serves yet" eval '! user_systemd "is-active relais-web.service"'
check "ann's page has ann's account" until_true 20 shows ann 8588 "<bdi>hers</bdi>"
check "  and none of the machine's" eval '! grep "<bdi>mail</bdi>" "$T/page"'
check "  root may look" shows root 8588 "<bdi>hers</bdi>"
check "  and nobody else" shows bob 8588 "of another user"
check "the machine's page is what it was" eval \
    'shows ann 8587 "<bdi>mail</bdi>" && ! grep "<bdi>hers</bdi>" "$T/page"'
user_systemd "stop relais.service"
check "without it the page says what to type" \
    shows ann 8588 "systemctl --user start relais<"
check "  still to ann alone" shows bob 8588 "of another user"
check "  not what the machine's relaisd has" eval \
    'shows ann 8588 relaisd && ! grep "<bdi>mail</bdi>" "$T/page"'
user_systemd "start relais.service"
check "  and is there again" until_true 20 shows ann 8588 "<bdi>hers</bdi>"

# --- notifications --------------------------------------------------------------

if [ -x "$top_builddir/tests/lib/notifyd" ]; then
	cp "$top_builddir/tests/lib/notifyd" "$root/usr/local/bin/notifyd"
	desktop=$root/home/ann/desktop.log
	as ann "systemd-run --user --unit desktop --property \
	    StandardOutput=append:/home/ann/desktop.log \
	    /usr/local/bin/notifyd" >"$T/run.log" 2>&1
	check "a desktop" until_true 20 grep -qs ready "$desktop"
	check "relais-notify starts" user_systemd "start relais-notify.service"
	sleep 12 # it has looked once
	as ann "printf \"Subject: x\n\n\n\" | sendmail never-own@example.org"
	check "  what fails is shown" until_true 30 grep -qs \
	    'Mail to never-own@example.org has failed' "$desktop"
	check "  and the unit still runs" user_systemd \
	    "is-active --quiet relais-notify.service"
	user_systemd "stop relais-notify.service"
else
	skip "notifications: tests/lib/notifyd is not built"
fi
# --- what the unit takes away --------------------------------------------------

# In a user namespace, without capabilities, and able to do what it is for.
of_hers() { # FILE: in /proc
	inside "cat /proc/$(user_systemd "show -P MainPID relais.service")/$1"
}
hers_log() { inside "journalctl -q --no-pager -o cat _UID=$uid" | grep -qF -- "$1"; }
mail_of_hers() { # SUBJECT [ENVIRONMENT]
	as ann "printf \"Subject: $1\n\n\n\" | ${2:-} sendmail someone@example.org"
}
reload_hers() { as ann "relais reload" >/dev/null 2>&1; }
check "systemd rates the unit at 5 at most" inside "exec setpriv --reuid ann \
    --regid ann --init-groups env HOME=/home/ann XDG_RUNTIME_DIR=/run/user/$uid \
    systemd-analyze --user security --offline=yes --threshold=50 \
    /usr/lib/systemd/user/relais.service >/dev/null 2>&1"
check "the namespace has ann alone" eval \
    '[ "$(of_hers uid_map | tr -s " ")" = " $uid $uid 1" ]'
check "  and no capability can be had" eval \
    'of_hers status | grep -q "^CapBnd:.0000000000000000"'
check "  /usr and /sys cannot be written to" eval \
    '[ "$(of_hers mountinfo | grep -cE " /(usr|sys) ro,")" = 2 ]'
check "what ann sends arrives" eval \
    'mail_of_hers of-ann && until_true 30 arrived of-ann'
check "  as ann's" hers_log "user=ann"
check "what ann leaves in the drop folder, too" eval 'user_systemd "stop relais.service"
    mail_of_hers dropped \
	"RELAIS_DROP=/home/ann/.local/state/relais/spool/drop" &&
    user_systemd "start relais.service" && until_true 30 arrived dropped'
conf=$root/home/ann/.config/relais/relais.conf
printf '#!/bin/sh\ncat /home/ann/.config/relais/secret\n' >"$root/home/ann/command"
inside "chown ann: /home/ann/command && chmod 700 /home/ann/command"
as ann "cd /home/ann/.config/relais && touch replies providers"
sed -i 's,^password_file.*,password_command = /home/ann/command,' "$conf"
check "a password_command runs" eval 'reload_hers && mail_of_hers by-command &&
    until_true 30 arrived by-command'
check "  and files of ann's own are believed" eval '! hers_log "is ignored until"'
# Root and bob look alike there: a folder of bob's must not pass for root's.
inside "mkdir /home/bob/pki && cp /pki/ca.pem /home/bob/pki/ &&
    chown -R bob: /home/bob && chmod 755 /home/bob"
sed -i 's,/etc/ssl/certs/of-root.pem,/home/bob/pki/ca.pem,' "$conf"
check "a folder of bob's is not believed" eval 'reload_hers
    until_true 20 hers_log "cannot see who owns the folder /home/bob"'
sed -i -e 's,/home/bob/pki/ca.pem,/etc/ssl/certs/of-root.pem,' \
    -e '/^listen/a allow_users = ann' "$conf"
check "  without it the configuration is taken" reload_hers
by_tcp() { # USER
	as "$1" "curl -sS --max-time 20 --mail-from $1@example.test --mail-rcpt \
	    someone@example.org --upload-file /etc/hostname smtp://127.0.0.1:2530"
}
check "under allow_users ann may submit by TCP" by_tcp ann
check "  and bob, whom the namespace hides, may not" eval '! by_tcp bob 2>/dev/null'

check "no unit of ann's has failed" eval '[ -z "$(user_systemd \
    "list-units --failed --plain --no-legend relais*")" ]'

check "removed, the user's units go as well" eval \
    'inside "dpkg --purge relais-web relais-notify" >"$T/purge.log" 2>&1 &&
    [ ! -e "$root/usr/lib/systemd/user/relais-web.socket" ]'
[ "$sandbox_bad" = 0 ] || inside "journalctl -q --no-pager -n 40" |
    sed 's/^/     | /'
sandbox_done
