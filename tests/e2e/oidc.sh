#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A sign-in at a real OpenID provider: by a code, through a browser (Chromium, if
# it is there), and refresh tokens of which each may be used once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need node npm python3 jq
sandbox_enter oidc-provider '?puppeteer-core'
ldd "$top_builddir/relais-cred" | grep -q libcurl ||
    skip_all "built without OAuth2"
export RELAIS_CRED_HELPER=$top_builddir/relais-cred
sandbox_secrets
mkdir -p /etc/relais
cat "$T/pki/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
cat >/etc/relais/oauth2 <<EOF
test
    issuer=https://mail.example.test:9443
    device=https://mail.example.test:9443/device/auth
    authorize=https://mail.example.test:9443/auth
    token=https://mail.example.test:9443/token
    scope=smtp.send
    scope=openid
    scope=offline_access
    query=prompt=consent
    redirect=http://127.0.0.1
EOF
start oidc node "$srcdir/tests/lib/oidc.mjs" "$PEERS/oidc-provider" \
    "$T/pki/mail.pem" "$T/pki/mail.key"
until_true 30 grep -qs ready "$T/oidc.log" || {
	show_log oidc
	exit 1
}
# It takes no token: each message makes relais use a refresh token.
start_provider mail --mechanisms XOAUTH2
start_relaisd home < <(
	echo "verdict_timeout = 1s"
	account work mail.example.test 587 starttls | grep -v ^password_file
	printf '%s\n' "oauth = test" "client_id = relais-test"
)
answers() { relais queue >/dev/null 2>&1; }
until_true 20 answers
sign_in() { # OPTION...
	: >"$T/login.out"
	relais login "$@" work >"$T/login.out" 2>&1 </dev/null &
	local person=$!
	until_true 20 grep -qE 'code: |Address: ' "$T/login.out"
	python3 "$srcdir/tests/lib/form_browser.py" \
	    "$(grep '^https' "$T/login.out")" "$T/pki/ca.pem" "$USER_NAME" \
	    "$(sed -n 's/.*this code: *//p' "$T/login.out")"
	wait "$person"
}
file=$T/home/spool/oauth/work.json
serial() { jq .serial "$file"; }
serial_beyond() { [ "$(serial)" -gt "$1" ]; }

check "a code on another device" sign_in
check "the browser's way, with PKCE" sign_in --browser
# A person with a real browser, who ends at the page of relais's own listener.
if chromium=$(command -v chromium) && [ -d "$PEERS/puppeteer-core" ]; then
	certtool --pubkey-info --load-certificate "$T/pki/mail.pem" --outder \
	    --outfile "$T/key" 2>/dev/null
	key=$(python3 -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha256(open(sys.argv[1], "rb").read()).digest())
    .decode())' "$T/key")
	: >"$T/login.out"
	relais login --browser work >"$T/login.out" 2>&1 </dev/null &
	person=$!
	until_true 20 grep -q 'Address: ' "$T/login.out"
	timeout 90 node "$srcdir/tests/lib/browser.mjs" \
	    "$PEERS/puppeteer-core" "$chromium" "$key" chromium@example.test \
	    "$(grep '^https' "$T/login.out")" >"$T/browser.log" 2>&1 ||
	    show_log browser
	check "Chromium: the last page is relais's" \
	    grep -q 'relais has got the answer' "$T/browser.log"
	check "  at the loopback listener" \
	    grep -q '^http://127.0.0.1:[0-9]*/?code=' "$T/browser.log"
	check "  and has signed in" wait "$person"
else
	skip "Chromium: it or puppeteer-core is not here"
fi
for i in 1 2 3; do
	relais login work >/dev/null 2>&1 </dev/null & # changes nothing
	idle=$!
	before=$(serial)
	flock "$T/home/spool/oauth/.work.lock" \
	    sed -i 's/"expires_s": [0-9]*/"expires_s": 0/' "$file"
	submit "rotation $i"
	relais flush >/dev/null
	check "a refresh token is used once, $i" \
	    until_true 20 serial_beyond "$before"
	kill $idle
done
check "no use was refused" [ "$(grep -c 'refused invalid_grant' "$T/oidc.log")" = 0 ]
note "$(grep -c 'granted refresh_token' "$T/oidc.log") refreshes"
check "the sign-in is still good" [ "$(jq -r .needs_login "$file")" = null ]
sandbox_done
