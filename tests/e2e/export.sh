#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# relais store export and import: mail goes from a shared queue into a spool and
# back, also when that is broken off, and nothing is lost or there twice.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool curl jq setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter

NODE=home
shared() { pg_conf; }
accounts() {
	echo "verdict_timeout = 0"
	account mail mail.example.test "${TO:-587}" starttls
}
on_disk() { RETRY_AFTER=1h start_relaisd home < <(accounts); }
in_database() { RETRY_AFTER=1h start_relaisd home < <(shared; accounts); }
conf_shared() { relaisd_conf home < <(shared; accounts); }
store() { relais store "$@" >"$T/out" 2>"$T/err"; }
refuses() { # PATTERN VERB
	! store "$2" && grep -q -- "$1" "$T/err"
}
waits() { [ "$(sql "SELECT count(*) FROM relais_message WHERE place < 2")" = "$1" ]; }
files() { find "$T/home/spool/queue" "$T/home/spool/failed" -type f; }
files_are() { [ "$(files | wc -l)" = "$1" ]; }
ids_are() { # of relais queue, as they were
	[ "$(relais --json queue | jq -r '.[].id' | sort)" = "$(cat "$T/ids")" ]
}

conf_shared
check "the tables are made" store init
on_disk
submit small
submit large 3000000
submit held
held=$(relais --json queue | jq -r '.[2].id')
relais hold "$held" >"$T/out"
check "three messages wait in the spool" queue_is 3
relais --json queue | jq -r '.[].id' | sort >"$T/ids"
conf_shared
check "while relaisd runs nothing is moved" refuses "in use" import
stop home
cp -a "$T/home/spool" "$T/before"

# --- into the database --------------------------------------------------------------

check "relais store import moves them" store import
check "  and says so" grep -q "^3 messages moved from $T/home/spool to postgres" "$T/out"
check "  all of them" waits 3
check "  and nothing stays" files_are 0
same_bytes() { # ID: header, journal and end of the file are those of the row
	local file
	file=$(find "$T/before/queue" -name "$1")
	sql "SELECT encode(header, 'escape') FROM relais_message WHERE id = '$1'" |
	    grep -v '^$' >"$T/header"
	head -n "$(wc -l <"$T/header")" "$file" | cmp -s - "$T/header" || return 1
	sql "SELECT encode(journal, 'escape') FROM relais_message WHERE id = '$1'" |
	    sed 's/\\\\/\\/g' | grep -v '^$' >"$T/journal"
	tail -n "$(wc -l <"$T/journal")" "$file" | cmp -s - "$T/journal"
}
check "  header and journal byte by byte" same_bytes "$held"
check "  an empty spool is moved at once" store import
in_database
check "relaisd has them" until_true 10 ids_are
is_held() {
	relais --json queue | jq -e ".[] | select(.id == \"$held\") | .state == \"held\"" >/dev/null
}
check "  what was held is held" is_held
check "while it runs, nothing is moved out" refuses "uses the database" export
check "  nor into another spool" sh -c "
    sed 's|^spool = .*|spool = $T/elsewhere|' '$T/home/relais.conf' >'$T/other.conf'
    install -d -o relais -g relais '$T/elsewhere'
    ! '$top_builddir/relais' -c '$T/other.conf' store export 2>'$T/err' &&
    grep -q 'relay home uses the database' '$T/err'"
start_provider provider
relais retry --all >"$T/out"
relais flush >"$T/out"
check "they can be sent from there" until_true 15 has_mail provider large
check "  the large one byte by byte" grep -qx "end.\?" "$T"/provider/*.eml
check "  once each" until_true 15 waits 0
stop provider
for i in 1 2 3 4 5 6; do submit "again$i"; done
submit large2 1000000
relais --json queue | jq -r '.[].id' | sort >"$T/ids"
stop home KILL

# --- out of it, broken off again and again ----------------------------------------------

# By the clock of the database, whatever the speed of the machine.
was_silent() {
	[ "$(sql "SELECT now() - max(seen) >= interval '10 s'
	    FROM relais_node WHERE name = 'home'")" = t ]
}
check "what a relay had that was killed is moved" store export
check "  when that relay has been silent for ten seconds" was_silent
check "  all of it" files_are 7
check "  and no row is left" waits 0
on_disk
check "relaisd has them on its disk" until_true 10 ids_are
stop home
conf_shared
rounds() { # VERB: killed after a while that grows, until it comes to its end
	local i
	for i in 1 2 3 4 5 6 7 8; do
		# Not by store(), whose shell would be what is killed.
		"$top_builddir/relais" -c "$T/home/relais.conf" store "$1" \
		    >"$T/out" 2>"$T/err" &
		mover=$!
		sleep "0.0$i"
		kill -KILL "$mover" 2>/dev/null
		wait "$mover" 2>/dev/null
	done
	store "$1" || {
		cat "$T/err"
		return 1
	}
}
check "import can be killed at any moment and run again" rounds import
check "  nothing is lost, nothing is twice" waits 7
check "  nothing of it stays" files_are 0
check "and export" rounds export
check "  as well" files_are 7
check "  without a row that stays" waits 0
check "then back once more" store import

# --- half a move ---------------------------------------------------------------------

pg_stop
check "while the database is away nothing is moved" refuses "postgres" export
pg_start
store export
sed -i 's/^store = postgres/store = disk/' "$T/home/relais.conf"
printf 'import 12345 nowhere\n' >"$T/home/spool/state/moving"
chown relais "$T/home/spool/state/moving"
"$top_builddir/relaisd" -f -c "$T/home/relais.conf" >"$T/daemon" 2>&1
check "relaisd does not start in the middle of a move" [ $? = 78 ]
check "  and says how to end it" grep -q "relais store import" "$T/daemon"
conf_shared
check "it must be ended the way it began" refuses "relais store import" export
check "  with the same database" refuses "another database" import
rm "$T/home/spool/state/moving"

# --- failed, and damaged --------------------------------------------------------------

start_provider provider --fail 'rcpt/to@*:550:5.1.1:No such user here'
on_disk
relais retry --all >"$T/out"
relais flush >"$T/out"
failed() { [ "$(find "$T/home/spool/failed" -type f | wc -l)" -ge 7 ]; }
check "all fail" until_true 20 failed
stop home
n=$(files | wc -l)
file=$(files | head -n 1)
printf 'nonsense' | dd of="$file" conv=notrunc bs=1 seek=20 2>"$T/err"
conf_shared
check "one that is damaged is told" refuses "damaged" import
check "  and set aside" [ "$(find "$T/home/spool/corrupt" -type f | wc -l)" = 1 ]
check "  the others are there, in the place of the failed" [ "$(sql \
    "SELECT count(*) FROM relais_message WHERE place = 1")" = $((n - 1)) ]
check "--json says how many" sh -c "'$top_builddir/relais' --json \\
    -c '$T/home/relais.conf' store export | jq -e '.moved == $((n - 1))' >'$T/out'"

# --- what was spent ------------------------------------------------------------------

stop provider
start_provider provider
limited() {
	accounts
	echo "max_per_hour = 3"
}
kept() { wc -c <"$T/home/spool/state/budget.mail"; }
RETRY_AFTER=1h start_relaisd home < <(limited)
relais delete --all --yes >"$T/out"
submit spent1
submit spent2
check "two of three an hour are sent from the disk" \
    until_true 15 has_mail provider spent2
stop home
RETRY_AFTER=1h start_relaisd home < <(shared; limited)
submit spent3
check "from the database a third one" until_true 15 has_mail provider spent3
submit spent4
stands() { relais --json status | jq -e ".accounts[0] | $1" >/dev/null; }
check "  and no more: what was spent came along" until_true 15 \
    stands '.budgets[0].used == 3 and .state == "paused"'
check "  from the spool" [ "$(kept)" = 0 ]
stop home
relaisd_conf home < <(shared; limited)
check "back on the disk" store export
check "  what was spent is there" [ "$(kept)" -gt 0 ]
check "  alone" [ "$(sql "SELECT count(*) FROM relais_shared
    WHERE position('max_per_' in encode(content, 'escape')) > 0")" = 0 ]
RETRY_AFTER=1h start_relaisd home < <(limited)
check "  and counts" until_true 15 stands \
    '.budgets[0].used == 3 and .state == "paused"'
stop home
relaisd_conf home < <(shared; limited)
check "import takes it along, too" store import
check "  at once" [ "$(sql "SELECT count(*) FROM relais_shared
    WHERE position('max_per_hour' in encode(content, 'escape')) > 0")" = 1 ]
check "  from the spool" [ "$(kept)" = 0 ]
sandbox_done
