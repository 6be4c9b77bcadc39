#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A secret that systemd hands over as a credential: encrypted by relais setup, or
# from a file by a drop-in of one's own.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_boot

conf=$root/etc/relais/relais.conf
arrived() { has_mail provider "$1"; }
send() {
	inside "printf 'Subject: $1\n\nx\n' | sendmail -odi -f $USER_NAME to@example.org"
}
# Files of the system, but for what this test has put there.
has_password() {
	grep -rlF "$PASSWORD" "$root/etc" "$root/var/spool/relais" \
	    "$root/var/log" "$root/usr/lib/systemd" 2>/dev/null
}
setup() { # OPTION...
	inside "relais setup $USER_NAME --host mail.example.test --port 587 \
	    --tls starttls --tls-ca-file /pki/ca.pem --account mail \
	    --admin $USER_NAME --password-file - --yes $*" \
	    <<<"$PASSWORD" >"$T/setup.log" 2>&1 && return
	show_log setup 30
	return 1
}
handed() { # SETTING: by which systemd hands it over
	inside "systemctl cat relais.service" | grep -q "^$1=mail:"
}
install_relais || skip_all "the package does not install: see tests/package/install.sh"
start_provider provider
check "relais setup --secret credential" setup --secret credential
check "  ends with a message that the provider took" grep -q 'sent, "250' \
    "$T/setup.log"
check "  systemd has the credential" handed LoadCredentialEncrypted
check "  relaisd got it" inside "relais check mail"
check "  it is in no file as it was typed" eval '[ -z "$(has_password)" ]'
check "  another user cannot read it" eval '! inside "setpriv --reuid nobody \
    --clear-groups cat /run/credentials/relais.service/mail" 2>/dev/null'
check "after a restart mail goes out" eval \
    'inside "systemctl restart relais.service" && send restarted &&
    until_true 30 arrived restarted'
check "setup again keeps it there" eval 'setup &&
    grep -q "^password_credential = mail" "$conf"'
check "  and sends" grep -q 'sent, "250' "$T/setup.log"
check "in a file again" eval 'setup --secret file &&
    grep -q "^password_file" "$conf"'
check "  it sends" grep -q 'sent, "250' "$T/setup.log"

# By hand, as relais.conf(5) has it.
printf '%s\n' "$PASSWORD" >"$root/root/secret"
chmod 600 "$root/root/secret"
rm -rf "$root/etc/systemd/system/relais.service.d"
mkdir -p "$root/etc/systemd/system/relais.service.d"
printf '[Service]\nLoadCredential=mail:/root/secret\n' \
    >"$root/etc/systemd/system/relais.service.d/secret.conf"
sed -i 's/^password_file.*/password_credential = mail/' "$conf"
check "LoadCredential= of a file that relaisd may not read" eval \
    'inside "rm -rf /etc/relais/secrets; systemctl daemon-reload &&
	systemctl restart relais.service" && handed LoadCredential'
check "  mail goes out" eval 'send by-hand && until_true 30 arrived by-hand'
sandbox_done
