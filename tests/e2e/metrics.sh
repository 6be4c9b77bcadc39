#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# metrics.sh - relais metrics: what promtool thinks of it, what a Prometheus
# reads of it through node_exporter, and the alert rules and the dashboard.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq curl promtool
sandbox_enter
sandbox_secrets
start_provider mail --fail 'rcpt/later*:451:4.7.1:try again later' \
    --fail 'rcpt/hold*:550:5.7.26:unauthenticated mail of this domain'
start_relaisd home < <(
	account works mail.example.test 587 starttls
	printf 'default = yes\nmax_per_hour = 80\nmax_per_day = 1000\n'
	account broken 127.0.0.1 2598 starttls
	echo "senders = broken@example.test"
)
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
relais() { "$top_builddir/relais" "$@"; }
submit() { # SENDER [RECIPIENT]
	printf 'Subject: x\n\nhello\n' | curl -s --url smtp://127.0.0.1:2525 \
	    --mail-from "$1" --mail-rcpt "${2:-b@example.test}" -T -
}
scrape() { relais metrics >"$T/out" 2>"$T/err"; }
has() { scrape && grep -qxF -- "$1" "$T/out"; }
submit "$USER_NAME"
submit broken@example.test

check "a delivery counts for its account" \
    until_true 20 has 'relais_delivered_total{account="works"} 1'
check "and for no other" has 'relais_delivered_total{account="broken"} 0'
check "  also by how long it took" has 'relais_delivery_seconds_bucket{le="+Inf"} 1'
check "  and as one that has not failed" has 'relais_failed_total 0'
check "what waits is in the queue" \
    until_true 20 has 'relais_queue_messages{account="broken",state="due"} 1'
check "  of its account alone" \
    sh -c "! grep 'account=\"works\",state=\"due\"} [1-9]' '$T/out'"
check "all that was taken is counted" has 'relais_accepted_total 2'
check "a limit says how much of it is used" \
    has 'relais_budget_used_ratio{account="works",window="hour"} 0.0125'
check "  each" has 'relais_budget_used_ratio{account="works",window="day"} 0.0010'
check "  an account without limits has none" \
    sh -c "! grep 'ratio{account=\"broken\"' '$T/out'"
deferred() { # CLASS N
	has "relais_deferred_total{account=\"works\",class=\"$1\"} $2"
}
check "nothing was deferred" deferred message 0
submit "$USER_NAME" later@example.test
check "  what a provider puts off is" until_true 20 deferred message 1
check "  and waits for its account" \
    until_true 20 has 'relais_queue_messages{account="works",state="due"} 1'
printf 'Subject: x\n\nx\n' |
    "$top_builddir/sendmail" -odq -f "$USER_NAME" hold@example.test
relais flush >/dev/null
check "what waits for a person is of another class" until_true 20 deferred held 1
check "  and held" \
    until_true 20 has 'relais_queue_messages{account="works",state="held"} 1'
relais --json queue | jq -r '.[] | select(.account == "works").id' |
    xargs "$top_builddir/relais" delete >/dev/null
value() { scrape && sed -n "s/^$1 //p" "$T/out"; }
free=$(value relais_disk_free_bytes)
left=$(stat -f -c '%a * %S' "$T/home/spool")
check "the room on the disk is told ($free)" \
    test $(((free - left) / 10000000)) = 0
ends=$(date -d "$(certtool -i --infile "$T/pki/mail.pem" |
    sed -n 's/.*Not After: //p')" +%s)
left=$(value 'relais_tls_cert_expiry_seconds{account="works"}')
check "when the certificate expires is told (in $left s)" \
    test $(((ends - left - $(date +%s)) / 600)) = 0
check "  not of an account that was not reached" \
    sh -c "! grep 'cert_expiry_seconds{account=\"broken\"' '$T/out'"
check "an account has one state" test "$(
	grep -c '^relais_account_state{account="works",.* 1$' "$T/out")" = 1
check "the version is told" grep -q '^relais_build_info{version="[^"]*"} 1$' "$T/out"
check "no address is a label" sh -c "! grep -q @ '$T/out'"
check "promtool has no complaint" \
    sh -c "promtool check metrics <'$T/out' >'$T/lint' 2>&1 && ! test -s '$T/lint'"
cat "$T/lint"

mkdir "$T/textfile"
file=$T/textfile/relais.prom
check "a file for node_exporter" relais metrics --textfile "$file"
check "  has the same names" cmp <(sed -n 's/^# TYPE//p' "$file") \
    <(sed -n 's/^# TYPE//p' "$T/out")
check "  others may read it" test "$(stat -c %a "$file")" = 644
check "  nothing else is left beside it" test "$(ls -A "$T/textfile")" = relais.prom
inode=$(stat -c %i "$file")
exec 5<"$file"
check "  it is replaced as a whole" relais metrics --textfile "$file"
check "  by another file" test "$(stat -c %i "$file")" != "$inode"
exec 5<&-
refused() { ! relais "$@" >"$T/out" 2>"$T/err" && [ "$(wc -l <"$T/err")" = 1 ]; }
check "a folder that is not there is one clear sentence" \
    refused metrics --textfile "$T/nowhere/relais.prom"
check "  with the path" grep -q "cannot write $T/nowhere/relais.prom" "$T/err"
mkfifo "$T/textfile/null"
check "what is no file is left alone, as /dev/null would be" \
    refused metrics --textfile "$T/textfile/null"
check "  and said to be none" grep -q "textfile/null: not a regular file" "$T/err"
check "  it is what it was" test -p "$T/textfile/null"
rm "$T/textfile/null"
submit "$USER_NAME"
check "  and mail goes on" \
    until_true 20 has 'relais_delivered_total{account="works"} 2'
check "no JSON form" sh -c "! '$top_builddir/relais' --json metrics 2>'$T/err'"
check "  which is said" grep -q 'relais --json status' "$T/err"

# --- a real collector and a real Prometheus -----------------------------------

if command -v prometheus-node-exporter >/dev/null && command -v prometheus >/dev/null
then
	start node prometheus-node-exporter --collector.disable-defaults \
	    --collector.textfile --collector.textfile.directory="$T/textfile" \
	    --web.listen-address=127.0.0.1:9100
	sed 's/^\( *for:\).*/\1 1s/' "$srcdir/contrib/prometheus/relais.rules.yml" \
	    >"$T/relais.rules.yml"
	cat >"$T/prometheus.yml" <<-END
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		rule_files: [ $T/relais.rules.yml ]
		scrape_configs:
		  - job_name: node
		    static_configs: [ { targets: [ "127.0.0.1:9100" ] } ]
	END
	start prometheus prometheus --config.file="$T/prometheus.yml" \
	    --storage.tsdb.path="$T/tsdb" --web.listen-address=127.0.0.1:9090
	wait_port node 127.0.0.1 9100
	wait_port prometheus 127.0.0.1 9090
	relais metrics --textfile "$file"
	ask() { # QUERY: the value of its only sample
		curl -s --get --data-urlencode "query=$1" \
		    http://127.0.0.1:9090/api/v1/query |
		    jq -r '.data.result | if length == 1 then .[0].value[1]
			else empty end'
	}
	is() { [ "$(ask "$1")" = "$2" ]; }
	check "Prometheus reads it through node_exporter" until_true 60 \
	    is 'relais_delivered_total{account="works"}' 2
	check "  the collector had no error" is node_textfile_scrape_error 0
	check "Prometheus has loaded the alert rules" test "$(
		curl -s http://127.0.0.1:9090/api/v1/rules |
		    jq '[.data.groups[].rules[].name | select(test("^Relais"))] |
			length')" = 10
	alert() { # NAME ACCOUNT
		relais metrics --textfile "$file"
		curl -s http://127.0.0.1:9090/api/v1/alerts | jq -e "
		    .data.alerts | any(.labels.alertname == \"$1\" and
			.labels.account == \"$2\" and .state == \"firing\")" >/dev/null
	}
	no_alert() { ! alert "$@"; }
	check "  one fires for the account that is paused" \
	    until_true 60 alert RelaisAccountPaused broken
	check "  and not for the other" no_alert RelaisAccountPaused works
	check "  nor another one" no_alert RelaisAccountHeld broken
else
	skip "Prometheus reads it: prometheus-node-exporter is not installed"
fi

# --- contrib ------------------------------------------------------------------

rules=$srcdir/contrib/prometheus/relais.rules.yml
check "promtool accepts the alert rules" promtool check rules "$rules"
check "each fires when it must, and not before" \
    promtool test rules "$srcdir/tests/e2e/metrics_rules.yml"
names() { grep -o 'relais_[a-z_]*' "$1" | sort -u; }
{
	sed -n 's/^# TYPE \([^ ]*\).*/\1/p' "$file"
	echo relais_sign_in_end_timestamp_seconds # only with OAuth2
} | sort >"$T/known"
check "the rules name only what there is" \
    test -z "$(names "$rules" | comm -23 - "$T/known")"
check "so does the dashboard" test -z "$(
	jq -r '.panels[].targets[].expr' "$srcdir/contrib/grafana/relais.json" |
	    names /dev/stdin | comm -23 - "$T/known")"
check "the manual lists every name" test -z "$(
	comm -23 "$T/known" <(names "$srcdir/doc/man/relais.1"))"
[ "$sandbox_bad" = 0 ] || show_log home 20
sandbox_done
