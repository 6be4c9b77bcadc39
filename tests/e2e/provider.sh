#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The throw-away provider: the clients that people use can talk to it, so what
# it says to relais counts.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl swaks certtool jq
sandbox_enter
[ -x "$top_builddir/tests/lib/provider" ] || skip_all "provider is not built"
start_provider provider
printf 'From: <%s>\r\nSubject: x\r\n\r\n..\r\n.\r\nna\xc3\xafve\r\n' \
    "$USER_NAME" >"$T/mail"

# upload URL [OPTION...]; gives up after $LIMIT seconds.
upload() {
	local url=$1
	shift
	timeout "${LIMIT:-100}" curl -sS --ssl-reqd --cacert "$T/pki/ca.pem" --mail-from "$USER_NAME" \
	    --mail-rcpt to@example.org --upload-file "$T/mail" \
	    --connect-to "::127.0.0.1:" "$@" "$url" 2>"$T/curl.err"
}
newest() { grep '"message"' "$T/provider.log" | tail -n 1; }
is_newest() { newest | jq -e "$1" >/dev/null; }

for url in smtp://mail.example.test:587 smtps://mail.example.test:465; do
	check "curl sends to $url" \
	    upload "$url" --user "$USER_NAME:$PASSWORD" \
	    --login-options AUTH=PLAIN
	check "it is in the log with TLS and login" is_newest \
	    '.tls == "TLSv1.3" and .mechanism == "PLAIN" and
	    .recipients == ["to@example.org"] and .with == "ESMTPSA"'
	n=$(newest | jq .number)
	check "and kept byte by byte" \
	    cmp "$T/mail" "$T/provider/$(printf %04d "$n").eml"
done
check "AUTH LOGIN works" upload smtp://mail.example.test:587 \
    --user "$USER_NAME:$PASSWORD" --login-options AUTH=LOGIN
check "a wrong password does not" \
    eval '! upload smtp://mail.example.test:587 --user "$USER_NAME:wrong"'
check "nor does no login at all" eval '! upload smtp://mail.example.test:587'
stop provider

start_provider provider --fail rcpt/bad@*:550:5.1.1:nobody --fail 'end:451:4.3.0:later:1'
up() { upload smtp://mail.example.test:587 --user "$USER_NAME:$PASSWORD" "$@"; }
check "a fault happens as often as it should" eval '! up && up'
check "a pattern refuses the recipients it names" \
    eval '! up --mail-rcpt bad@example.org'
stop provider
for way in 'greeting:554:5.3.2:no' 'ehlo:554:5.3.2:no' 'data:451:4.3.0:no' \
    'mail:451:4.3.0:no' 'auth:454:4.7.0:no'; do
	start_provider provider --fail "$way:1"
	check "--fail $way" eval '! up && up'
	stop provider
done
for stage in greeting ehlo starttls auth mail rcpt body end; do
	start_provider provider --drop "$stage:1"
	check "--drop $stage" eval '! up && up'
	stop provider
	start_provider provider --hang "$stage:1"
	check "--hang $stage" eval '! LIMIT=6 up && up'
	stop provider
done
start_provider provider --hide pipelining,chunking,auth
check "--hide hides" eval '! upload smtp://mail.example.test:587 --user x:y'
stop provider
sandbox_done
