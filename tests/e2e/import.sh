#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# relais import: the configurations of other mail programs, with a provider that
# is really asked and Postfix's own postconf and postmap.  Nothing that they name
# is run, no secret is shown, and nothing is written that does not work.
# tests/unit/test_import.c compares what each parser makes of them.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/typed.sh"
need jq python3 certtool setpriv
sandbox_enter postfix
[ -x "$top_builddir/relais-setup" ] || skip_all "relais-setup is not built"
SECRET='s3cret:#w=ord'
printf '%s\n' "$SECRET" >"$T/password"
printf 'password of the old days\n' >"$T/other"
sandbox_secrets
cat "$T/pki/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
rm -rf "$CONF" /etc/msmtprc /etc/ssmtp /etc/nullmailer /etc/dma /etc/exim4 \
    /etc/postfix/main.cf
mount -t tmpfs -o mode=755 tmpfs /var/spool
ip addr add 10.9.0.11/32 dev lo
echo '10.9.0.11 mail.example.test' >>/etc/hosts
start_provider isp --host 10.9.0.11 --user jane@example.test \
    --password-file "$T/password"

# run STATUS ARGUMENT...: relais.
run() {
	local want=$1
	shift
	typed "$want" timeout 120 "$RELAIS" "$@"
}
nothing() { rm -rf "$CONF"; }
conf_is() { # the text on stdin is relais.conf without its first comment
	sed -i '/^# Taken over/,/^$/d' "$CONF/relais.conf"
	diff - "$CONF/relais.conf" >"$T/diff" && return
	sed 's/^/     | /' "$T/diff"
	return 1
}

# --- msmtp --------------------------------------------------------------------

cat >/etc/msmtprc <<-END
	defaults
	auth on
	tls on
	account isp
	host mail.example.test
	port 587
	user jane@example.test
	password $SECRET
	eval touch $T/canary; echo timeout 5
	account default : isp
END
chmod 600 /etc/msmtprc
check "a dry run shows the configuration" run 0 import msmtp --dry-run
check "  with the account" said 'host = mail.example.test'
check "  and where the secret will be" said "password_file = $CONF/secrets/isp"
check "  and where it is now" said '/etc/msmtprc, line 8'
check "  and what was not run" said "eval was not run: touch $T/canary"
check "  and writes nothing" nothing_written
cp /etc/msmtprc "$T/msmtprc.good"
{ printf '\357\273\277'; sed 's/$/\r/' "$T/msmtprc.good"; } >/etc/msmtprc
check "with a byte order mark and CR LF it says the same" \
    run 0 import msmtp --dry-run
check "  as if they were not there" eval \
    '! grep -q "does not know it" "$T/out" && said "host = mail.example.test"'
cp "$T/msmtprc.good" /etc/msmtprc
check "without a yes nothing is written" run 2 import
check "  and how to say it is told" said -- '--yes'
check "  really" nothing_written
cp /etc/msmtprc "$T/msmtprc.good"
sed -i "s/^password.*/password wrong-$SECRET/" /etc/msmtprc
check "a wrong password" run 2 import msmtp --yes
check "  is the login that fails" said 'auth'
check "  and nothing is written" nothing_written
cp "$T/msmtprc.good" /etc/msmtprc
check "with a yes it is tried and written" run 0 import --yes
check "  as a person would write it" conf_is <<-END
	[account isp]
	host = mail.example.test
	port = 587
	user = jane@example.test
	password_file = $CONF/secrets/isp
END
check "  the secret in a file" test "$(cat "$CONF/secrets/isp")" = "$SECRET"
check "  that only its user reads" test "$(stat -c %a:%U "$CONF/secrets/isp")" = \
    600:relais
check "  the commands that switch over are told" \
    said 'apt-get remove msmtp-mta'
check "  and how to try" said 'relais check --send'
check "relaisd takes it" "$top_builddir/relaisd" --check
sed -i 's/^\[account isp\]/# mine\n&\nmax_per_hour = 50   # as told/' \
    "$CONF/relais.conf"
check "again: it is changed and not doubled" run 0 import msmtp --yes
check "  and what a person wrote stays" \
    grep -q '^max_per_hour = 50   # as told' "$CONF/relais.conf"
check "  once" test "$(grep -c '^\[account' "$CONF/relais.conf")" = 1
printf '\n[account old]\nhost = mail.example.test\n%s\n#%s\n' \
    "password = $SECRET" " password=$SECRET 2" >>"$CONF/relais.conf"
check "a dry run beside an account with its password" \
    run 0 import msmtp --dry-run
check "  shows everything else" said 'password = (not shown)'
check "  and not the password" sh -c "! grep -qF '$SECRET' '$T/out'"
nothing
mkdir "$CONF"
printf '[relais]\nuser = alice\n' >"$CONF/relais.conf"
check "a daemon with another user" run 0 import msmtp --yes
check "  whose the secret is" \
    test "$(stat -c %U "$CONF/secrets/isp")" = alice
nothing
install -D -o relais -m 600 "$T/other" "$CONF/secrets/isp"
cat >"$CONF/relais.conf" <<-END
	[account isp]
	host = mail.example.test
	user = other@example.test
	password_file = $CONF/secrets/isp
	default = yes
END
check "beside an account of this name" run 0 import msmtp --yes
check "  which is of another mailbox and stays" \
    grep -q '^user = other@example.test' "$CONF/relais.conf"
check "  with its secret" cmp -s "$T/other" "$CONF/secrets/isp"
check "  the new one has a name of its own" \
    test "$(cat "$CONF/secrets/isp-2")" = "$SECRET"
check "again" run 0 import msmtp --yes
check "  it is changed and not doubled" \
    test "$(grep -c '^\[account' "$CONF/relais.conf")" = 2
nothing
check "--json" run 0 --json import msmtp --yes
check "  says the same" test "$(jq -r '[.result, .accounts[0].user,
    (.notes | length)] | join(" ")' "$T/out")" = 'done jane@example.test 1'
nothing
sed -i '/^password/d' /etc/msmtprc
check "no password, and nobody to ask" run 2 import msmtp --yes
check "  is said" said 'No password of account isp'
check "  and nothing is written" nothing_written
printf '%s' "$SECRET" >"$T/typed"
timeout 120 python3 "$srcdir/tests/lib/dialogue.py" -e '[Y/n]' '' \
    -e 'not shown' "@$T/typed" "$RELAIS" import msmtp >"$T/out" 2>&1 </dev/null
check "  a person is asked" test "$(cat "$CONF/secrets/isp")" = "$SECRET"
cat "$T/out" >>"$T/shown"
nothing

# --- several programs ---------------------------------------------------------

mkdir -p /etc/nullmailer /var/spool/nullmailer/queue
cat >/etc/nullmailer/remotes <<-END
	mail.example.test smtp --port=465 --tls --user=jane@example.test --pass='$SECRET'
END
echo root@example.test >/etc/nullmailer/adminaddr
touch /var/spool/nullmailer/queue/1 /var/spool/nullmailer/queue/2
check "two programs: a person says which" run 2 import --yes
check "  of these" said nullmailer
check "nullmailer" run 0 import nullmailer --yes
check "  as a person would write it" conf_is <<-END
	[relais]
	admin = root@example.test

	[account mail]
	host = mail.example.test
	port = 465
	user = jane@example.test
	password_file = $CONF/secrets/mail
END
check "  its queue is counted" said '2 messages still wait'
check "  and its mail stays" test "$(find /var/spool/nullmailer -type f | wc -l)" = 2
nothing

# --- Postfix, by its own programs ---------------------------------------------

cat >/etc/postfix/main.cf <<-END
	compatibility_level = 3.6
	provider = example.test
	relayhost =
	 [mail.\$provider]:587
	smtp_sasl_auth_enable = yes
	smtp_sasl_password_maps = hash:\$config_directory/sasl_passwd
	smtp_tls_security_level = may
END
printf '[mail.example.test]:587 jane@example.test:%s\n' "$SECRET" \
    >/etc/postfix/sasl_passwd
postmap /etc/postfix/sasl_passwd
# What counts is the map that Postfix reads, not its source.
echo '[mail.example.test]:587 jane@example.test:newer-than-the-map' \
    >/etc/postfix/sasl_passwd
rm -rf /etc/nullmailer /etc/msmtprc
check "postfix" run 0 import --yes
check "  as a person would write it" conf_is <<-END
	[account mail]
	host = mail.example.test
	port = 587
	user = jane@example.test
	password_file = $CONF/secrets/mail
END
check "  the secret is that of the map" test "$(cat "$CONF/secrets/mail")" = \
    "$SECRET"
nothing
mkdir "$T/copy"
printf 'relayhost = [mail.example.test]:587\n%s\n%s\n' \
    'smtp_sasl_auth_enable = yes' "smtp_sasl_password_maps = texthash:$T/copy/sasl
" >"$T/copy/main.cf"
printf '[mail.example.test]:587 jane@example.test:%s\n' "$SECRET" >"$T/copy/sasl"
check "a file at another place" run 0 import postfix --from "$T/copy/main.cf" \
    --yes
nothing
sed -i 's/^relayhost.*/relayhost =/' "$T/copy/main.cf"
check "a Postfix that sends to every server itself is refused" \
    run 2 import postfix --from "$T/copy/main.cf" --yes
check "  with a word" said 'use relais setup'
check "  and nothing is written" nothing_written
rm /etc/postfix/main.cf

# --- the others ---------------------------------------------------------------

mkdir -p /etc/ssmtp /etc/dma /etc/exim4 /var/spool/exim4/input/a
cat >/etc/ssmtp/ssmtp.conf <<-END
	root=jane@example.test
	mailhub=mail.example.test:587
	AuthUser=jane@example.test
	AuthPass=$SECRET
	UseSTARTTLS=YES
END
check "ssmtp" run 0 import --yes
check "  as a person would write it" conf_is <<-END
	[relais]
	admin = jane@example.test

	[account mail]
	host = mail.example.test
	port = 587
	user = jane@example.test
	password_file = $CONF/secrets/mail
	identity = force
END
nothing
rm -rf /etc/ssmtp
printf 'SMARTHOST mail.example.test\nPORT 465\nSECURETRANSFER\n%s\n' \
    'AUTHPATH /etc/dma/auth.conf' >/etc/dma/dma.conf
printf 'jane@example.test|mail.example.test:%s\n' "$SECRET" >/etc/dma/auth.conf
check "dma" run 0 import --yes
check "  its secret" test "$(cat "$CONF/secrets/mail")" = "$SECRET"
nothing
rm -rf /etc/dma
cat >/etc/exim4/update-exim4.conf.conf <<-END
	dc_eximconfig_configtype='smarthost'
	dc_smarthost='mail.example.test::587'
END
printf '*.example.test:jane@example.test:%s\n' "$SECRET" \
    >/etc/exim4/passwd.client
touch /var/spool/exim4/input/a/1abc-H /var/spool/exim4/input/a/1abc-D
check "exim" run 0 import --yes
check "  its secret" test "$(cat "$CONF/secrets/mail")" = "$SECRET"
check "  its queue is counted" said '1 message still waits'
nothing
rm -rf /etc/exim4
check "nothing is there" run 2 import --yes
check "  is said" said 'relais setup'

# --- an ordinary user ---------------------------------------------------------

mkdir -p "$T/u"
cp "$T/msmtprc.good" "$T/u/.msmtprc"
chown -R alice:alice "$T/u"
setpriv --reuid alice --regid alice --clear-groups env -i PATH="$PATH" \
    HOME="$T/u" TMPDIR="$T/tmp" timeout 120 "$RELAIS" import --yes >"$T/out" 2>&1 </dev/null
status=$?
check "an ordinary user takes over his own" test $status = 0
[ $status = 0 ] || sed 's/^/     | /' "$T/out"
cat "$T/out" >>"$T/shown"
check "  into his own" grep -q "password_file = $T/u/.config/relais/secrets/isp" \
    "$T/u/.config/relais/relais.conf"
check "  with his secret" test "$(cat "$T/u/.config/relais/secrets/isp")" = \
    "$SECRET"
check "  which is his alone" test "$(
	stat -c %a:%U "$T/u/.config/relais/secrets/isp")" = 600:alice

# --- through all of it --------------------------------------------------------

check "no secret was ever on the terminal" sh -c "! grep -qF '$SECRET' '$T/shown'"
check "nothing that a configuration names was run" test ! -e "$T/canary"
check "no folder is left" test -z "$(ls -d "$T"/tmp/relais-import-* 2>/dev/null)"
sandbox_done
