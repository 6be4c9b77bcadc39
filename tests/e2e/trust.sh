#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Which servers are trusted, if the authorities are taken out of a large file one
# by one: for each chain and each store the answer is that of gnutls-cli, which
# reads the whole store.  And the store stays out of the daemon's memory.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool gnutls-cli python3
sandbox_enter
[ -x "$top_builddir/relais-setup" ] || skip_all "relais-setup is not built"
cd "$T/pki" || exit 1

# issue FILE NAME ISSUER|self [TEMPLATE LINE...]
issue() {
	local file=$1 name=$2 by=$3
	shift 3
	[ -f "$file.key" ] || certtool --generate-privkey --key-type ecdsa \
	    --outfile "$file.key" 2>/dev/null
	printf '%s\n' "cn = \"$name\"" "expiration_days = 2" "$@" >"$file.tmpl"
	if [ "$by" = self ]; then
		certtool --generate-self-signed --load-privkey "$file.key" \
		    --template "$file.tmpl" --outfile "$file.pem" 2>/dev/null
	else
		certtool --generate-certificate --load-privkey "$file.key" \
		    --load-ca-certificate "$by.pem" --load-ca-privkey "$by.key" \
		    --template "$file.tmpl" --outfile "$file.pem" 2>/dev/null
	fi
}
authority() { issue "$1" "$2" "$3" ca cert_signing_key; }
server() { issue "$1" mail.example.test "$2" 'dns_name = "mail.example.test"' \
    tls_www_server signing_key; }
authority root "The Root" self
authority namesake "The Root" self # another key
authority middle "The Middle" root
authority lower "The Lower" middle
authority stranger "A Stranger" self
cp root.key cross.key
authority cross "The Root" stranger # the same key, signed by another
issue past "The Past" self ca cert_signing_key \
    'activation_date = "2001-01-01 00:00:00"' 'expiration_date = "2001-02-01 00:00:00"'
issue nobody "No Authority" self signing_key
server by-root root
server by-middle middle
server by-lower lower
server by-past past
server by-nobody nobody
server alone self

crowd() { # what a machine has, with the remarks of some distributions
	printf '# Authorities\r\n\r\nsubject= /CN=x\n'
	cat /etc/ssl/certs/ca-certificates.crt
	printf '%s\n' '-----BEGIN TRUSTED CERTIFICATE-----' AAAA \
	    '-----END TRUSTED CERTIFICATE-----'
}
store() { # NAME CERTIFICATE...
	local name=$1 c
	shift
	crowd >"store.$name"
	for c; do cat "$c.pem" >>"store.$name"; done
	printf 'no new line at the end' >>"store.$name"
}
store none
store root root
store twice root root
store namesake namesake
store both namesake root
store middle middle
store stranger stranger
store past past
store nobody nobody
store leaf by-middle
store alone alone
store windows root
sed -i 's/$/\r/' store.windows
chains="by-root by-middle by-middle,middle by-middle,middle,root
    by-lower,lower,middle by-lower,lower by-lower,middle,lower
    by-middle,middle,cross by-middle,middle,namesake by-past by-past,past
    by-nobody alone by-root,stranger"
yes=0 no=0
for chain in $chains; do
	names=${chain//,/ }
	: >chain.pem
	for c in $names; do cat "$c.pem" >>chain.pem; done
	start_provider mail --cert "$T/pki/chain.pem" \
	    --key "$T/pki/${names%% *}.key"
	for s in store.*; do
		timeout 20 gnutls-cli --priority NORMAL:%PROFILE_MEDIUM \
		    --starttls-proto=smtp -p 587 --x509cafile "$s" \
		    mail.example.test </dev/null >"$T/cli" 2>&1
		grep -q 'The certificate is trusted' "$T/cli"
		want=$?
		"$top_builddir/relais" --json check --host mail.example.test \
		    --port 587 --tls-ca-file "$T/pki/$s" </dev/null \
		    >"$T/check" 2>&1
		grep -q '"stage": *"tls"' "$T/check" ||
		    fail "$chain, $s: no answer: $(tail -n 1 "$T/check")"
		! grep -q 'certificate for mail.example.test' "$T/check"
		got=$?
		# The first 0 is a yes, the second a no.
		if { [ $want = 0 ] && [ $got = 1 ]; } ||
		    { [ $want != 0 ] && [ $got = 0 ]; }; then
			[ $want = 0 ] && yes=$((yes + 1)) || no=$((no + 1))
		else
			fail "$chain with $s: gnutls-cli says $want, relais $got"
			sed 's/^/     | /' "$T/cli" "$T/check"
		fi
	done
	stop mail
done
check "$yes chains are trusted and $no are not, as gnutls-cli has it" \
    [ $yes -gt 20 -a $no -gt 60 ]
printf 'no certificate here\n' >empty
start_provider mail
"$top_builddir/relais" check --host mail.example.test --port 587 \
    --tls-ca-file "$T/pki/empty" </dev/null >"$T/check" 2>&1
check "a file without a certificate is named" \
    grep -q "from tls_ca_file $T/pki/empty: the file has none" "$T/check"
stop mail

# --- what the daemon keeps ----------------------------------------------------

cat ca.pem >>/etc/ssl/certs/ca-certificates.crt
certificates=$(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt)
start_provider mail
start_relaisd home < <(account mail mail.example.test 587 starttls |
    grep -v tls_ca_file)
# KB of its own: not the files of programs and libraries that others have, too.
own_kb() {
	awk '/^[0-9a-f]+-[0-9a-f]+ / { is_file = $6 ~ /^\// }
	    /^Pss:/ && !is_file { kb += $2 }
	    /^Anonymous:/ && is_file { kb += $2 }
	    END { print kb + 0 }' "/proc/$(cat "$T/home.pid")/smaps" \
	    "/proc/$(worker home)/smaps"
}
idle=$(own_kb)
for i in 1 2 3 4 5; do submit "mail $i"; done
check "mail goes out by the store of the machine" \
    until_true 20 has_mail mail "mail 5"
used=$(own_kb)
until_true 60 eval '[ "$(relais --json status |
    jq ".accounts[0].connections")" = 0 ]'
sleep 1
note "$certificates certificates; own memory, KB: $idle before, $used connected," \
    "$(own_kb) at rest"
if grep -q 'RELAIS_CA_FILE "/' "$top_builddir/config.h" &&
    [ "$certificates" -gt 100 ]; then
	check "the store is not in the memory of the daemon" \
	    [ "$used" -lt $((idle + 1500)) ]
	check "  nor what it left there" [ "$(own_kb)" -lt $((idle + 700)) ]
fi
sandbox_done
