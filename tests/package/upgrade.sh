#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An upgrade where systemd runs, while mail waits and while clients hand in
# more: over the package FROM, if that names one of an earlier release, else over
# the same version.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_boot

# client FILE: every tenth of a second a message to port 25, each on a connection
# of its own, until FILE.stop is there; FILE has one line for each.
client() {
	python3 - "$1" <<-'END'
	import os, smtplib, sys, threading, time
	name, out = sys.argv[1], open(sys.argv[1], "w", buffering=1)
	def submit(n):
	    try:
	        s = smtplib.SMTP("127.0.0.1", 25, timeout=120)
	        s.sendmail("me@example.test", "you@example.org",
	                   "Subject: smtp-%d\n\ntext\n" % n)
	        out.write("taken %d\n" % n)
	        s.close()
	    except Exception as e:
	        out.write("refused %d %r\n" % (n, e))
	threads, n = [], 0
	while not os.path.exists(name + ".stop"):
	    n += 1
	    threads.append(threading.Thread(target=submit, args=(n,)))
	    threads[-1].start()
	    time.sleep(0.1)
	for t in threads:
	    t.join()
	out.write("over %d\n" % n)
	END
}
# The same with the command, which has to be there at each moment.
commands() {
	inside 'n=0; while [ ! -e /pki/commands.stop ]; do
		n=$((n + 1))
		if printf "Subject: command-$n\n\ntext\n" |
		    /usr/sbin/sendmail you@example.org; then
			echo "taken $n"
		else
			echo "refused $n"
		fi
		sleep 0.1
	done; echo "over $n"' >"$1" 2>&1
}
relais_says() { inside "relais $*"; }
queued() { relais_says --json queue | jq "length"; }
# in_queue STATE COUNT
in_queue() {
	[ "$(relais_says --json queue |
	    jq "map(select(.state | test(\"^($1)\$\"))) | length")" = "$2" ]
}
subjects() {
	cat "$T"/provider/*.eml 2>/dev/null | tr -d '\r' |
	    sed -n "s/^Subject: \\($1-[0-9]*\\)$/\\1/p" | sort
}
# Each message NAME-1 to NAME-COUNT has arrived.
all_arrived() {
	[ "$(subjects "$1" | uniq | wc -l)" = "$2" ]
}
number() { sed -n 's/^over //p' "$T/$1"; }
has_taken_more() { # FILE THAN
	[ "$(grep -c taken "$1")" -gt "$2" ]
}
# Twenty more messages have been taken by each client.
a_while() {
	local a b
	a=$(grep -c taken "$T/client") b=$(grep -c taken "$T/commands")
	until_true 30 has_taken_more "$T/client" $((a + 20)) &&
	    until_true 30 has_taken_more "$T/commands" $((b + 10))
}
upgrade() {
	local before
	before=$(inside "systemctl show -p MainPID --value relais")
	install_relais &&
	    [ "$before" != "$(inside "systemctl show -p MainPID --value relais")" ]
}

cp "${FROM:-$(ls "$DEBS"/relais_*_*.deb)}" "$root/from.deb"
inside "dpkg --install /from.deb" >"$T/first.log" 2>&1
configure
sed -i '/^listen/d; s/^admin.*/&\nretry_after = 2s/' "$root/etc/relais/relais.conf"
inside "systemctl start relais.socket relais.service" ||
    show_log first
start_provider provider --fail "rcpt/nobody@*:550:5.1.1:no such user"
inside "printf 'Subject: failed\n\ntext\n' | sendmail nobody@example.org"
until_true 30 in_queue failed 1 || relais_says queue
stop provider
for n in 1 2 3 4 5 6 7 8 9 10; do send waiting-$n; done
inside "printf 'Subject: held-1\n\ntext\n' | sendmail held@example.org"
until_true 30 eval '[ "$(queued)" = 12 ]'
relais_says "hold $(relais_says --json queue |
    jq -r '.[] | select(.recipients[0] == "held@example.org") | .id')" >/dev/null
check "ten wait, one is held, one has failed" eval \
    'in_queue "due|active" 10 && in_queue held 1 && in_queue failed 1'

: >"$T/client"
: >"$T/commands"
start client client "$T/client"
start commands commands "$T/commands"
a_while
check "an upgrade while the provider is away restarts the daemon" upgrade
a_while
check "  held and failed are what they were" eval \
    'in_queue held 1 && in_queue failed 1'
start_provider provider --fail "rcpt/nobody@*:550:5.1.1:no such user"
a_while
check "an upgrade while the provider takes mail does as well" upgrade
a_while
: >"$T/client.stop"
: >"$T/pki/commands.stop"
wait "$(cat "$T/client.pid")" "$(cat "$T/commands.pid")"

for who in client commands; do
	sent=$(number $who)
	note "$who: $sent sent, $(grep -c ^taken "$T/$who") taken"
	check "0 of $who refused" eval '[ "$sent" -gt 60 ] &&
	    [ "$(grep -c ^taken "$T/$who")" = "$sent" ]'
	grep ^refused "$T/$who" | head -n 3 | while read -r l; do note "$l"; done
done
relais_says "retry --all" >/dev/null
check "0 lost: each has arrived" eval 'until_true 60 all_arrived smtp "$(number client)" &&
    until_true 30 all_arrived command "$(number commands)" &&
    until_true 30 all_arrived waiting 10 && until_true 30 all_arrived held 1'
check "0 twice" eval '[ -z "$(for name in smtp command waiting held; do
    subjects $name | uniq -d; done)" ]'
sandbox_done
