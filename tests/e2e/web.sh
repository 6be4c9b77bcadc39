#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# web.sh - relais-web: who sees what, who is turned away, and the pages in a real
# browser.  SANDBOX_KEEP=DIR keeps the screenshots, in DIR/shots.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
PATH=/usr/bin:/bin:$PATH # programs that every user may start
need curl jq setpriv
[ -x "$top_builddir/relais-web" ] || skip_all "built without relais-web"
sandbox_enter '?puppeteer-core' '?axe-core'
echo 'relais-web:x:61500:61500::/:/bin/sh' >>/etc/passwd
echo 'relais-web:x:61500:' >>/etc/group
# A word wider than any screen.
wide=$(printf '%0400d' 7)
start_provider mail --fail "rcpt/wide*:550:5.1.1:$wide" \
    --fail 'rcpt/limit*:452:4.7.1:sending limit exceeded, last by bobs-secret' \
    --fail 'rcpt/never*:550:5.1.1:<b>unknown</b> <img src=x onerror=alert(4)>'
start_relaisd home < <(
	account works mail.example.test 587 starttls
	echo "default = yes"
	account broken mail.example.test 587 starttls |
	    sed "s,secret/mail,secret/wrong,"
	echo "senders = broken@example.test"
	account away 127.0.0.1 2599 starttls
	echo "senders = away@example.test"
	account limited mail.example.test 587 starttls
	echo "senders = limited@example.test"
)
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
become() { # USER COMMAND...: in place of this shell
	local user=$1
	shift
	exec setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}
as() { (become "$@"); }
mkdir -p "$T/cat/fr/LC_MESSAGES"
if command -v msgfmt >/dev/null; then
	msgfmt -o "$T/cat/fr/LC_MESSAGES/relais.mo" "$srcdir/po/fr.po"
fi
start_web() {
	start web setpriv --reuid relais-web --regid relais-web --clear-groups \
	    env TEXTDOMAINDIR="$T/cat" "$top_builddir/relais-web"
	wait_port web 127.0.0.1 8587
}
start_web
url=http://localhost:8587
# get USER PATH OPTION...: $T/page, and $T/head.  Without $site no browser asks.
site='Sec-Fetch-Site: none'
get() {
	local user=$1 path=$2
	shift 2
	as "$user" curl ${site:+-H "$site"} -sS -D "$T/head" -o "$T/page" --max-time 60 "$@" \
	    "$url$path" 2>"$T/err"
}
touch "$T/head" "$T/page"
chmod 666 "$T/head" "$T/page"
status() { sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$T/head"; }
shows() { grep -qF -- "$1" "$T/page"; }
answers() { # STATUS SENTENCE GET...
	local want=$1 text=$2
	shift 2
	get "$@" && [ "$(status)" = "$want" ] && shows "$text"
}
hides() { # TEXT GET...
	local text=$1
	shift
	get "$@" && ! shows "$text"
}
hostile='<script>window.hostile=1;alert(1)</script><img src=x onerror=alert(2)>'
send() { # USER SENDER SUBJECT
	printf 'From: "%s" <%s>\nSubject: %s\nTo: b@example.org\n\nx\n' \
	    "$hostile" "$2" "$3" | as "$1" "$top_builddir/sendmail" -f "$2" \
	    '"<img src=x onerror=alert(3)>"@example.org'
}

# --- who sees what ------------------------------------------------------------

# Another of those, an override of the reading direction, a terminal's escape, bytes
# that are not UTF-8.
odd=$(printf '%010000d\342\200\256\033[31m\377\376' 7)
check "a message of alice waits" send alice away@example.test "$hostile $odd"
check "and one of bob" send bob broken@example.test "about bob"
id_of() { relais --json queue | jq -r ".[] | select(.sender == \"$1\").id"; }
alice=$(id_of away@example.test) bob=$(id_of broken@example.test)
check "alice sees hers" answers 200 "/message/$alice" alice /messages
check "  not his" hides "$bob" alice /messages
check "  nor his page" answers 404 "No such message" alice "/message/$bob"
check "  nor by searching" hides "$bob" alice '/messages?text=broken'
check "bob sees his" answers 200 "about bob" bob "/message/$bob"
check "root sees both" answers 200 "/message/$alice" root /messages
check "  both" shows "/message/$bob"
check "a search finds by address" answers 200 "/message/$alice" root \
    '/messages?text=AWAY@example'
check "  and no other" eval '! shows "/message/$bob"'
check "the page says for whom it is" answers 200 "What alice may see" alice /
needs_bob() { get alice / && grep -q 'needs you' "$T/page"; }
check "an account whose password is wrong needs a person" \
    until_true 20 needs_bob
check "  with the cause" shows "check the user name and the secret"
check "  and what to type" shows "relais check broken"
check "an account that is away is paused" shows "connection refused"
check "a message says what happened and what to do" \
    answers 200 "relais delete $bob" bob "/message/$bob"
check "root by IPv6, too" answers 200 "What root may see" root / \
    --resolve 'localhost:8587:[::1]'

# --- what became of messages --------------------------------------------------

submit_as() { # USER RECIPIENT
	printf 'Subject: %s\n\nx\n' "$2" | as "$1" "$top_builddir/sendmail" \
	    -odq -f "$USER_NAME" "$2" && relais flush >/dev/null
}
page_has() { # TEXT USER PATH
	get "$2" "$3" && shows "$1"
}
check "alice sends" submit_as alice good@example.org
check "  the page says that it is delivered" until_true 20 \
    page_has '<p>1 delivered, 0 failed.</p>' alice /
check "  to whom" shows good@example.org
check "  bob does not see it" hides good@example.org bob /
check "  nor when he searches" hides good@example.org bob \
    '/messages?text=good'
check "  she does" answers 200 '>delivered<' alice '/messages?text=GOOD@'
past=$(sed -n 's/.*delivered<.*message\/\([a-z0-9]*\)".*/\1/p' "$T/page")
check "  by its id, too" answers 200 '>delivered<' alice "/messages?text=$past"
check "  and a page of it" answers 200 "What became of it" alice \
    "/message/$past"
check "  that bob has not" answers 404 "No such" bob "/message/$past"
check "  nor who names no id" answers 404 "No such" alice /message/
check "a message that fails" submit_as alice never@example.org
check "  is told with the cause" until_true 20 \
    page_has ' delivered, 1 failed.</p>' alice /
check "  and the reply, as text" shows '&lt;b&gt;unknown&lt;/b&gt;'
check "one with a reply of one long word" submit_as alice wide@example.org
check "  is told, too" until_true 20 page_has "550 <bdi>5.1.1 ${wide:0:200}" alice /

# --- who is turned away -------------------------------------------------------

check "a foreign Host is turned away" \
    answers 421 "under no other name" root / -H 'Host: evil.example'
for host in localhost.evil.example 127.0.0.1.evil.example localhost:x \
    192.168.1.1 ''; do
	check "  \"$host\"" answers 421 "no other name" root / -H "Host: $host"
done
two_hosts() {
	exec 3<>/dev/tcp/127.0.0.1/8587
	printf 'GET / HTTP/1.1\r\n%s\r\n%s\r\n\r\n' 'Host: localhost' \
	    'Host: evil.example' >&3
	head -n 1 <&3 | grep -q ' 421 '
}
check "  two of them" two_hosts
check "the far end of a tunnel has another port" \
    answers 200 "What root" root / -H 'Host: localhost:9999'
for method in POST PUT DELETE OPTIONS TRACE; do
	check "$method is refused" answers 405 "GET only" root / -X $method
done
check "  which says what may be" grep -q '^Allow: GET' "$T/head"
check "a body, too" answers 405 "GET only" root "/message/$bob" -d delete=1
for field in \
    "Content-Security-Policy: default-src 'none'" \
    "X-Content-Type-Options: nosniff" "X-Frame-Options: DENY" \
    "Referrer-Policy: no-referrer" "Cache-Control: no-store"; do
	get alice "/message/$alice"
	check "each answer has ${field%%:*}" grep -qi "^$field" "$T/head"
done
check "a page that is not there" answers 404 "No such page" root /etc/passwd
for path in /message/ /message/../../etc/passwd '/message/%00' \
    "/message/$(head -c 3000 /dev/zero | tr '\0' a)"; do
	check "no message ${path:0:40}" answers 404 "No such" root "$path" \
	    --path-as-is
done
# raw_get LINE...: the first request of a connection, as it stands; its answer is
# in $T/raw.
raw_get() {
	(
		trap '' PIPE
		exec 3<>/dev/tcp/127.0.0.1/8587
		printf '%s\r\n' "$@" '' >&3
		timeout 20 cat <&3
	) >"$T/raw" 2>"$T/err"
}
raw_says() { # PATTERN LINE...
	local pattern=$1
	shift
	raw_get "$@" 'Connection: close'
	head -n 1 "$T/raw" | grep -qE -- "$pattern"
}
check "HEAD is refused" raw_says ' 405 ' 'HEAD / HTTP/1.1' 'Host: localhost'
check "a request without Host" raw_says ' (400|421) ' 'GET / HTTP/1.1'
check "  and by an older HTTP" raw_says ' 421 ' 'GET / HTTP/1.0'
check "the Host counts, not the address in the request" raw_says ' (400|404|421) ' \
    'GET http://evil.example/ HTTP/1.1' 'Host: evil.example'
check "what is no HTTP hangs up" raw_says '^$| 400 ' 'EHLO localhost'
check "a path makes no header field" answers 404 "No such page" root \
    '/%0d%0aSet-Cookie:x=1'
check "  nor does a search" eval '
    answers 200 "Messages" root "/messages?text=%0d%0aSet-Cookie:x=1" &&
    ! grep -i "^Set-Cookie" "$T/head"'
for path in /%2e%2e/%2e%2e/etc/passwd //etc/passwd /style.css/../../etc/passwd \
    /.git/config '/%ff%fe' '/%'; do
	check "no page $path" answers 404 "No such page" root "$path" --path-as-is
done
check "huge header fields are refused" eval '
    get root / -H "X-Long: $(head -c 40000 /dev/zero | tr "\0" a)"
    [ "$(status)" = 431 ] || [ "$(status)" = 413 ] || [ ! -s "$T/head" ]'
check "  many of them, too" eval '
    get root / $(printf -- "-HX-%d:a " $(seq 3000))
    [ "$(status)" = 431 ] || [ "$(status)" = 413 ] || [ ! -s "$T/head" ]'
check "a request without end is cut off" eval \
    'get root "/$(head -c 60000 /dev/zero | tr "\0" a)"; [ "$(status)" = 414 ] ||
    [ "$(status)" = 431 ] || [ ! -s "$T/head" ]'
link=(-H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Dest: document')
site=
check "curl is served as its user" answers 200 "What alice" alice /
check "  but not by a header without a value" \
    answers 403 "page elsewhere" alice / -H 'Sec-Fetch-Site;'
for site in cross-site same-site; do
	site="Sec-Fetch-Site: $site"
	check "a page elsewhere is, too ($site)" \
	    answers 403 "page elsewhere" alice / -H 'Sec-Fetch-Mode: no-cors'
	check "  with a script" \
	    answers 403 "page elsewhere" alice / -H 'Sec-Fetch-Mode: cors'
	check "  with events" \
	    answers 403 "page elsewhere" alice /events -H 'Sec-Fetch-Mode: cors'
	check "  in a frame" answers 403 "page elsewhere" alice / \
	    -H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Dest: iframe'
	check "  but not a link that is followed" \
	    answers 200 "What alice" alice / "${link[@]}"
done
check "  said twice is said by somebody else" \
    answers 403 "page elsewhere" alice / "${link[@]}" -H 'Sec-Fetch-Site: none'
site='Sec-Fetch-Site: same-origin'
check "its own pages may ask" answers 200 "What alice" alice / \
    -H 'Sec-Fetch-Mode: cors'
site='Sec-Fetch-Site: none'
check "only loopback is listened on" test -z "$(
	ss -ltnH | awk '{ print $4 }' | grep ':8587$' |
	    grep -v -e '^127\.0\.0\.1:' -e '^\[::1\]:')"
raw() { # UID VERB [ARGS]: the control socket, as relais-web has it
	python3 - "$T/home/control.sock" "$@" <<-'END'
	import json, socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	f = s.makefile("rw")
	for verb, args in (("as", {"uid": int(sys.argv[2])}), (sys.argv[3],
	    json.loads(sys.argv[4]) if len(sys.argv) > 4 else {})):
	    f.write(json.dumps({"verb": verb, "args": args}) + "\n")
	    f.flush()
	    while "item" in (answer := json.loads(f.readline())):
	        print(answer)
	    print(answer)
	    if not answer["ok"]:
	        break
	END
}
export -f raw
says_raw() { # PATTERN USER UID VERB [ARGS]
	local pattern=$1 user=$2
	shift 2
	T=$T as "$user" bash -c 'raw "$@"' raw "$@" | grep -- "$pattern" >/dev/null
}
check "relais-web may look as another user" says_raw "$alice" relais-web \
    "$(id -u alice)" queue
check "  and delete nothing" says_raw 'may only look' relais-web 0 delete \
    "{\"ids\": [\"$alice\"]}"
check "  nor read the configuration" says_raw 'may only look\|only root' \
    relais-web 0 config
check "nobody else may" says_raw 'only root, the user of relaisd' bob 0 queue

# --- what a reply to the message of another says --------------------------------

limited() { # JQ-FILTER USER
	as "$2" "$top_builddir/relais" --json status | jq -e "
	    .accounts[] | select(.name == \"limited\") | $1" >/dev/null
}
send_to() { # USER RECIPIENT
	printf 'Subject: x\n\nx\n' | as "$1" "$top_builddir/sendmail" -odq \
	    -f limited@example.test "$2"
}
send_to bob limit@example.org
relais flush limited >/dev/null
check "a reply to bob's message pauses the account" \
    until_true 20 limited '.state == "paused"' root
check "  root reads it" limited '.reason | test("bobs-secret")' root
check "  alice does not" limited '.reason | test("bobs-secret") | not' alice
check "  she reads the rest" limited \
    '.reason | test("^452 4.7.1 [(]said by .* to RCPT[)]; .*limit")' alice
check "  nor on the page" hides bobs-secret alice /
check "  which has the rest" shows 'to RCPT'
send_to alice limit-too@example.org
check "  nor as the reason why hers waits" hides bobs-secret alice /messages
check "  nor by searching for it" \
    hides limit-too alice '/messages?text=bobs-secret'
check "  root finds it" answers 200 limit-too root '/messages?text=bobs-secret'
stop home KILL
run_relaisd home
wait_port home 127.0.0.1 2525
check "  after a restart neither" limited \
    '.state == "paused" and (.reason | test("said by") and
	(test("bobs-secret") | not))' alice
check "  but root" limited '.reason | test("bobs-secret")' root

# --- many connections, no daemon ----------------------------------------------

pages=()
for user in alice bob; do
	for _ in $(seq 50); do
		become $user curl -sN --max-time 300 -H "$site" $url/events >/dev/null 2>&1 &
		pages+=($!)
	done
done
check "who opens many pages is told so" until_true 10 \
    answers 503 "too many pages" bob /
check "  and so is somebody else who does" until_true 10 \
    answers 503 "too many pages" alice /
check "  and keeps nobody out" answers 200 "What root" root /
kill "${pages[@]}"
wait "${pages[@]}" 2>/dev/null
# Slow to ask, slow to read.
become bob python3 - >"$T/slow" <<-'END' &
	import socket, time
	held = [socket.create_connection(("localhost", 8587)) for _ in range(30)]
	for i, s in enumerate(held):
	    s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" +
	        (b"" if i % 2 else b"\r\n"))
	print("held", flush=True)
	while True:
	    for s in held[1::2]:
	        s.sendall(b"X: y\r\n")
	    time.sleep(0.5)
END
slow=$!
check "somebody asks and reads slowly" until_true 10 grep -qs held "$T/slow"
check "  and keeps nobody out" answers 200 "What alice" alice /
kill "$slow"
wait "$slow" 2>/dev/null
become bob python3 - >"$T/silent" <<-'END' &
	import socket, time
	held = [socket.create_connection(("localhost", 8587)) for _ in range(150)]
	print("held", flush=True)
	time.sleep(1000)
END
silent=$!
check "somebody holds many connections" \
    until_true 10 grep -qs held "$T/silent"
check "nor does who opens many and says nothing" \
    answers 200 "What alice" alice /
kill "$silent"
wait "$silent" 2>/dev/null
as alice touch "$T/tmp/alice.sock"
start own setpriv --reuid alice --regid alice --init-groups \
    "$top_builddir/relais-web" --port 8600 --control "$T/tmp/alice.sock"
wait_port own 127.0.0.1 8600
url=http://localhost:8600
check "the page of one's own relaisd is for oneself" \
    answers 200 "relaisd does not answer" alice /
check "  and nobody else" answers 403 "of another user" bob /
stop own
mkdir -p "$T/users/alice/run" "$T/users/alice/.config/relais"
{
	printf '[relais]\nlisten = 127.0.0.1:2530\n'
	account her mail.example.test 587 starttls |
	    sed 's,^password_file.*,password = x,'
} >"$T/users/alice/.config/relais/relais.conf"
chown -R alice:alice "$T/users/alice"
chmod 700 "$T/users/alice/run"
chmod 600 "$T/users/alice/.config/relais/relais.conf"
hers=(setpriv --reuid alice --regid alice --clear-groups env -u RELAIS_CONTROL
    -u RELAIS_SOCKET HOME="$T/users/alice" XDG_RUNTIME_DIR="$T/users/alice/run")
start her "${hers[@]}" "$top_builddir/relaisd" --user -f
until_true 20 test -S "$T/users/alice/run/relais/control.sock"
if command -v systemd-socket-activate >/dev/null; then
	start own "${hers[@]}" systemd-socket-activate -l 127.0.0.1:8600 \
	    -E HOME -E XDG_RUNTIME_DIR -E PATH "$top_builddir/relais-web"
else
	start own "${hers[@]}" "$top_builddir/relais-web" --port 8600
fi
wait_port own 127.0.0.1 8600
check "relaisd --user: its page is found, by systemd's sockets" \
    answers 200 "<bdi>her</bdi>" alice /
check "  which shows nothing of the machine's" eval '! shows "<bdi>works</bdi>"'
check "  and is for her alone" answers 403 "of another user" bob /
stop own
stop her
url=http://localhost:8587
stop home
check "without a daemon the page says so" \
    answers 200 "relaisd does not answer" alice /
check "  and what to type" shows "systemctl start relais"
run_relaisd home
wait_port home 127.0.0.1 2525

# --- wrong usage --------------------------------------------------------------

wrong() { # PATTERN COMMAND...
	local pattern=$1
	shift
	"$@" >"$T/out" 2>"$T/err" && return 1
	[ "$(wc -l <"$T/err")" = 1 ] && grep -q -- "$pattern" "$T/err"
}
check "a port in use is one clear sentence" wrong "8587.*in use" \
    "$top_builddir/relais-web"
check "so is a wrong number" wrong "1 to 65535" \
    "$top_builddir/relais-web" --port 0
# A socket unit that listens for everybody.
check "and a socket that others can reach" wrong "beyond this machine" \
    python3 - "$top_builddir/relais-web" <<-'END'
	import os, socket, sys
	s = socket.socket()
	s.bind(("0.0.0.0", 8588))
	s.listen()
	if s.fileno() != 3:
	    os.dup2(s.fileno(), 3)
	os.set_inheritable(3, True)
	os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
	os.execv(sys.argv[1], sys.argv[1:])
	END

# --- a long queue ---------------------------------------------------------------

fill() {
	PORT=2531 start_relaisd many < <(account away 127.0.0.1 2599 starttls)
	stop many
	chown -R root: "$T/many/spool"
	"$top_builddir/tests/bench/fill" "$T/many/spool" 20000 || return
	chown -R relais: "$T/many/spool"
	run_relaisd many
	wait_port many 127.0.0.1 2531
	start web-many setpriv --reuid relais-web --regid relais-web --clear-groups \
	    "$top_builddir/relais-web" --port 8601 --control "$T/many/control.sock"
	wait_port web-many 127.0.0.1 8601
	export MANY=http://localhost:8601
}
if [ -x "$top_builddir/tests/bench/fill" ]; then
	check "20,000 messages wait" fill
	counts_them() {
		curl -s -H "$site" -o "$T/page" "$MANY/" &&
		    grep -qE '<strong>(19...|20000)</strong> waiting' "$T/page"
	}
	check "  the first page counts them" until_true 20 counts_them
else
	skip "20,000 messages wait: tests/bench/fill is not built"
fi

# --- a browser ----------------------------------------------------------------

mkdir -p "$T/shots" "$T/profile"
chown alice "$T/shots" "$T/profile"
if [ ! -d "$PEERS/puppeteer-core" ] || [ ! -d "$PEERS/axe-core" ] ||
    ! command -v chromium >/dev/null || ! command -v node >/dev/null; then
	skip "a browser: needs chromium, node, and puppeteer-core and axe-core of npm"
else
	export CHANGE="printf 'Subject: new\n\nx\n' |
	    $top_builddir/sendmail -f away@example.test c@example.org"
	export REFUSED="printf 'Subject: x\n\nx\n' | curl -s -T - --mail-from $USER_NAME \
	    --mail-rcpt never-live@example.org smtp://127.0.0.1:2525"
	languages=(en)
	[ ! -e "$T/cat/fr/LC_MESSAGES/relais.mo" ] || languages+=(fr)
	HOME=$T/users/alice PROFILE=$T/profile as alice \
	    node "$srcdir/tests/lib/web.mjs" "$PEERS" $url \
	    "$T/shots" "$alice" "${languages[@]}" 2>"$T/browser.err" || {
		sandbox_bad=1
		tail -n 5 "$T/browser.err" | sed 's/^/     | /'
	}
	check "it comes to its end" test -s "$T/shots/home-phone-dark.png"
fi
ends() {
	kill "$(cat "$T/web.pid")" && wait "$(cat "$T/web.pid")"
}
check "SIGTERM ends it" ends
check "it has said nothing all the time" test ! -s "$T/web.log"
[ "$sandbox_bad" = 0 ] || { show_log web; show_log home 20; }
sandbox_done
