#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# volume.sh - relaisd as a container runs it: a uid that has no name, settings
# in variables, a spool of root's that our group may write to, a secret of
# root's that our group may read; and nothing that is looser than that.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl jq setpriv
sandbox_enter
start_provider mail
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

ID=1000650000 # of user and group, as OpenShift numbers them
other=1000650001
V=$T/volume S=$T/secrets
mkdir -p "$V" "$S" "$T/run"
chown $ID:0 "$T/run"

# The shape of a mounted Secret: links to a folder that can be exchanged.
mount -t tmpfs -o mode=1777 tmpfs "$S"
mkdir "$S/..2026"
cp "$T/secret/mail" "$S/..2026/password"
chown -R 0:$ID "$S"
chmod 2755 "$S/..2026"
chmod 440 "$S/..2026/password"
ln -s ..2026 "$S/..data"
ln -s ..data/password "$S/password"

# As that user, with variables and nothing else.
container() {
	in_container=(env -i PATH=/usr/bin:/bin \
	    RELAYHOST='[mail.example.test]:587' \
	    RELAYHOST_USERNAME="$USER_NAME" \
	    "${password:-RELAYHOST_PASSWORD_FILE=$S/password}" \
	    RELAIS_ACCOUNT_TLS_CA_FILE="$T/pki/ca.pem" \
	    RELAIS_ADMIN=admin@example.test \
	    RELAIS_HOSTNAME=client.example.test \
	    RELAIS_LISTEN= \
	    RELAIS_LISTEN_ADDRESS=localhost:2525 \
	    RELAIS_RETRY_AFTER=2s \
	    RELAIS_SPOOL="${spool:-$V}" \
	    RELAIS_SOCKET="$T/run/smtp.sock" \
	    RELAIS_CONTROL="$T/run/control.sock" \
	    RELAIS_PORT=tcp://10.0.0.1:2525 RELAIS_SERVICE_HOST=10.0.0.1 \
	    "${extra:-EMPTY=}" \
	    setpriv --reuid "$ID" --regid 0 --groups "$ID" \
	    --no-new-privs --bounding-set=-all --inh-caps=-all)
}
relaisd_is() { # NAME
	container
	start "$1" "${in_container[@]}" "$top_builddir/relaisd" -f --environment
}
is_down() { ! is_up "$1"; }
# refused SENTENCE NAME: it ends, and says so in one sentence.
refused() {
	local name=$2
	: >"$T/no.log"
	relaisd_is no
	until_true 10 is_down no || stop no
	check "$name" grep -q -- "$1" "$T/no.log"
	note "$(grep -m 1 -- "$1" "$T/no.log" || tail -n 2 "$T/no.log")"
}

# --- what is refused ------------------------------------------------------------

volume() { # OWNER:GROUP MODE
	chown "$1" "$V"
	chmod "$2" "$V"
}
volume 0:$ID 2777
refused "belongs to uid 0" "a volume that everybody may write to is refused"
volume 0:$ID 00770 # or chmod leaves the set-group-id bit
refused "belongs to uid 0" "one whose files get another group is refused"
volume 0:$other 2775
refused "belongs to uid 0" "one of a group that is not ours is refused"
volume $other:$ID 2770
refused "belongs to uid $other" "one of another user is refused"
volume 0:$ID 2770

secret() { # OWNER:GROUP MODE
	chown "$1" "$S/..2026/password"
	chmod "$2" "$S/..2026/password"
}
secret 0:$ID 0444
refused "other users can read" "a secret that everybody may read is refused"
secret 0:$ID 0460
refused "other users can read or change" "one that the group may change is refused"
secret $other:$ID 0440
refused "contains a secret" "one of another user's is refused"
secret 0:$ID 0440

extra=RELAIS_ADMN=x refused "did you mean RELAIS_ADMIN?" \
    "a variable that is misspelt is refused"
extra="RELAIS_LISTEN_LAN__ADDRESS=*:2526" \
    refused "RELAIS_LISTEN_LAN__ADDRESS: .* set RELAIS_LISTEN_ALLOW_FROM" \
    "a listener for others without allow_from is refused"
extra="RELAYHOST_PASSWORD=$PASSWORD" refused "two secrets are set" \
    "a password and a file with one are refused"

# --- what works -----------------------------------------------------------------

container
check "--check finds nothing wrong" eval \
    '"${in_container[@]}" "$top_builddir/relaisd" --check --environment >"$T/check.out" 2>&1'
note "$(tail -n 1 "$T/check.out")"
check "  and nothing is made by it" [ -z "$(ls "$V")" ]
relaisd_is home
wait_port home 127.0.0.1 2525
check "a message is accepted" submit "first"
check "  and delivered" until_true 15 has_mail mail first
control() { RELAIS_CONTROL=$T/run/control.sock "$top_builddir/relais" "$@"; }
check "relais status is content" control status --quiet

# Without a provider it waits; a kill and another start lose nothing, even after
# Kubernetes has opened all files to the group again.
stop mail
check "a message is accepted without a provider" submit "second"
stop home KILL
chgrp -R $ID "$V"
chmod -R g+rwX "$V"
find "$V" -type d -exec chmod g+s {} +
start_provider mail
relaisd_is home
wait_port home 127.0.0.1 2525
check "  and delivered after a kill and a new start" \
    until_true 60 has_mail mail second
check "  and what the spool holds is closed to the group again" \
    [ -z "$(find "$V" -mindepth 1 -maxdepth 1 -type d ! -name drop -perm /070)" ]
stop home
check "nothing is said to be wrong" eval '! grep "cannot" "$T/home.log"'

# A password in a variable: it works, with a warning, and is nowhere to be seen.
password="RELAYHOST_PASSWORD=$PASSWORD" relaisd_is plain
wait_port plain 127.0.0.1 2525
check "with the password in a variable" submit "third"
check "  a message is delivered" until_true 15 has_mail mail third
check "  it is advised against" \
    grep -q 'RELAYHOST_PASSWORD: .* RELAYHOST_PASSWORD_FILE' "$T/plain.log"
shown() {
	cat /proc/"$1"/environ
	for child in $(pgrep -P "$1"); do cat /proc/"$child"/environ; done
}
shown "$(cat "$T/plain.pid")" | tr '\0' '\n' >"$T/environ"
check "  the environment has the variable" \
    grep -q '^RELAYHOST_PASSWORD=$' "$T/environ"
check "  and not the password" eval '! grep -qF "$PASSWORD" "$T/environ"'
[ "$sandbox_bad" = 0 ] || { show_log home 30; show_log plain; }
sandbox_done
