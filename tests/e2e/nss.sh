#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nss.sh - the machine finds names and users by DNS, by systemd-resolved, by modules
# whose daemons are away, by LDAP: mail goes out all the same, the kernel's locks
# hold, and only the keeper asks.  Then scripts that deliver, with each of them.
#	NSS_SCRIPTS="drop who" make check-e2e E2E=nss
if [ -z "${SANDBOX_NSS:-}" ]; then
	here=$(cd "$(dirname "$0")" && pwd)
	bad=0
	for SANDBOX_NSS in dns resolve sss ldap; do
		export SANDBOX_NSS
		for script in nss ${NSS_SCRIPTS-drop}; do
			[ -f "$here/$script.sh" ] || script=../fault/$script
			"$here/$script.sh" </dev/null |
			    sed -E "s/^(PASS|FAIL|SKIP) /&$SANDBOX_NSS, ${script##*/}: /"
			case ${PIPESTATUS[0]} in 0 | 77) ;; *) bad=1 ;; esac
		done
	done
	exit $bad
fi
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool jq
sandbox_enter
sandbox_secrets
start_provider provider
export RELAIS_CRED_HELPER=$top_builddir/relais-cred
start_relaisd home < <(account mail mail.example.test 587 starttls)
protections() { relais --json status | jq -r '.protections[] | "\(.name) \(.holds)"'; }
note "$(grep ^hosts /etc/nsswitch.conf); $(grep ^passwd /etc/nsswitch.conf)"
case $SANDBOX_NSS in
ldap) asked=nss.log pattern='^80002' ;;
resolve) asked=nss.log pattern=ResolveHostname ;;
*) asked=dns.log pattern='^A mail.example.test' ;;
esac
check "the provider's name is not in /etc/hosts" eval \
    '! grep -q mail.example.test /etc/hosts'
python3 - "$T/home/smtp.sock" <<'EOP'
import encodings.idna, os, pwd, smtplib, socket, sys
os.setgid(pwd.getpwnam("alice").pw_gid)
os.setuid(pwd.getpwnam("alice").pw_uid)
s = smtplib.SMTP(local_hostname="client.example.test")
s.sock = socket.socket(socket.AF_UNIX)
s.sock.connect(sys.argv[1])
s.getreply()
s.sendmail("a@client.example.test", ["to@example.org"], "Subject: from alice\r\n\r\nx\r\n")
EOP
check "mail of a user arrives" until_true 30 has_mail provider "from alice"
check "  and is his, by name" until_true 20 \
    grep -q '^[^ ]* accepted .*user=alice' "$T/home.log"
check "whoever knows was asked" grep -q "$pattern" "$T/$asked"
check "the worker is the same" eval '! grep -q "worker.*was ended" "$T/home.log"'
for name in "no new privileges" Landlock seccomp; do
	if protections | grep -q "^$name true"; then
		pass "$name holds"
	else
		skip "$name: $(relais status | grep "$name" | head -n 1)"
	fi
done
stop home
sandbox_done
