#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a French person sees of relais: setup, check, queue, status and the errors
# of sendmail, in UTF-8 and in ISO-8859-1; that every text is marked for
# translation; and that without a catalogue all is English.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq python3 certtool msgfmt localedef iconv
sandbox_enter
sandbox_secrets
[ -x "$top_builddir/relais-setup" ] || skip_all "relais-setup is not built"
LIB=$srcdir/tests/lib
PROG=$top_builddir/relais
PSEUDO="python3 $LIB/pseudo.py"

mkdir -p "$T/loc" "$T/cat/fr/LC_MESSAGES" "$T/cat/xx/LC_MESSAGES"
for charset in UTF-8 ISO-8859-1; do
	localedef -i fr_FR -f $charset "$T/loc/fr_FR.$charset" >/dev/null 2>&1
	[ -e "$T/loc/fr_FR.$charset/LC_MESSAGES" ] || skip_all "no locale fr_FR"
done
for other in fr_CA de_DE; do
	localedef -i $other -f UTF-8 "$T/loc/$other.UTF-8" >/dev/null 2>&1
done
msgfmt -c -o "$T/cat/fr/LC_MESSAGES/relais.mo" "$srcdir/po/fr.po" ||
    fail "the catalogue"
$PSEUDO make <"$srcdir/po/relais.pot" |
    msgfmt -o "$T/cat/xx/LC_MESSAGES/relais.mo" - || fail "the template"
export LOCPATH=$T/loc TEXTDOMAINDIR=$T/cat
unset LANGUAGE LC_ALL LC_MESSAGES LANG
utf8() { LC_ALL=fr_FR.UTF-8 "$@"; }
latin1() { LC_ALL=fr_FR.ISO-8859-1 "$@"; }
accents() { LC_ALL=fr_FR.UTF-8 LANGUAGE=xx "$@"; }
# speaks TEXT COMMAND...: stdout and stderr of it, whatever its status.
speaks() {
	local want=$1
	shift
	"$@" >"$T/out" 2>&1 </dev/null
	grep -qF -- "$want" "$T/out" && return
	note "not said: $want"
	sed 's/^/     | /' "$T/out"
	return 1
}
# The same in ISO-8859-1: bytes of that, not of UTF-8.
speaks_latin1() {
	speaks "$(printf %s "$1" | iconv -f UTF-8 -t ISO-8859-1)" latin1 "${@:2}"
}

# --- a provider, and a daemon with messages -----------------------------------

start_provider mail --fail 'rcpt/bad*@*:550:5.1.1:no such user'
printf '%s\n' "$PASSWORD" >"$T/password"
chmod 600 "$T/password"
start_relaisd home <<-END
	$(account work 127.0.0.1 2599 starttls)
	default = yes
END
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
post() { printf 'Subject: %s\n\nx\n' "$1" | "$top_builddir/sendmail" -odb to@example.org; }
post one
post two
queue_is 2
id=$("$PROG" --json queue | jq -r '.[0].id')
"$PROG" hold "$id" >"$T/out"
until_true 30 sh -c "$PROG --json queue | grep -q refused"

# A daemon in a French locale; its digest takes a minute.
PORT=2526 LC_ALL=fr_FR.UTF-8 start_relaisd fr < <(
	account mail mail.example.test 587 starttls
)
printf 'Subject: three\n\nx\n' | RELAIS_SOCKET=$T/fr/smtp.sock \
    "$top_builddir/sendmail" -odq -f root bad@example.net

# --- French -------------------------------------------------------------------

check "queue, in French" speaks "PROCHAIN ESSAI" utf8 "$PROG" queue
check "  a held message" speaks "retenu" utf8 "$PROG" queue
check "  what the daemon said in English" speaks "connexion refusée" \
    utf8 "$PROG" queue
canadian() { LC_ALL=fr_CA.UTF-8 "$@"; }
check "  in Canada, too" speaks "PROCHAIN ESSAI" canadian "$PROG" queue
check "log, since so many days by their letter" speaks \
    "L'historique ne contient pas ce message" utf8 "$PROG" log --since 3j
check "  in English that is none" speaks "is no time" "$PROG" log --since 3j
check "status" speaks "file : en attente 1, en cours" utf8 "$PROG" status
check "show" speaks "retenu : retenu par une personne" utf8 "$PROG" show "$id"
check "check" speaks "rien n'écoute sur le port" utf8 "$PROG" check
check "sendmail" speaks "sendmail: -f demande une adresse" \
    utf8 "$top_builddir/sendmail" -f "a@x.example, b@x.example" c@x.example
check "config" speaks "les secrets ne sont pas montrés" utf8 "$PROG" config
check "queue, in ISO-8859-1" speaks_latin1 "connexion refusée" "$PROG" queue
check "status, in ISO-8859-1" speaks_latin1 "ÉTAT" "$PROG" status
check "check, in ISO-8859-1" speaks_latin1 "rien n'écoute sur le port" \
    "$PROG" check
check "sendmail, in ISO-8859-1" speaks_latin1 "demande une adresse" \
    "$top_builddir/sendmail" -f "a@x.example, b@x.example" c@x.example
check "an error, in ISO-8859-1" speaks_latin1 "verbe inconnu « quue »" \
    "$PROG" quue
# ÂGE and ÉTAT have two bytes more than columns.
column_of() { # WORD LINE COMMAND...
	local word=$1 line=$2
	shift 2
	"$@" | sed -n "${line}p" | iconv -f UTF-8 -t ISO-8859-1 |
	    LC_ALL=C awk -v w="$word" '{ print index($0, w) }'
}
check "columns stay in line" test "$(column_of work 2 utf8 "$PROG" queue)" = \
    "$(column_of COMPTE 1 utf8 "$PROG" queue)"
utf8 "$PROG" --json queue >"$T/json.fr"
"$PROG" --json queue >"$T/json.c"
check "JSON is English" cmp <(jq 'map(del(.age, .next_try))' "$T/json.fr") \
    <(jq 'map(del(.age, .next_try))' "$T/json.c")
export HOME=/root XDG_CONFIG_HOME=/root/.config
latin1 "$PROG" --json explain "552 5.3.4 é" >"$T/json.fr" 2>/dev/null
check "  and UTF-8 everywhere" iconv -f UTF-8 -t UTF-8 -o "$T/out" "$T/json.fr"

# --- English ------------------------------------------------------------------

"$PROG" --help >"$T/english"
for locale in C C.UTF-8 de_DE.UTF-8 xx_XX.UTF-8 fr_FR.nonsense POSIX; do
	LC_ALL=$locale "$PROG" --help >"$T/out" 2>"$T/err"
	check "\"$locale\" is English, byte for byte" \
	    cmp "$T/english" "$T/out"
	check "  and nothing else is said" test ! -s "$T/err"
done
TEXTDOMAINDIR=/nonexistent utf8 "$PROG" --help >"$T/out"
check "so is French without a catalogue" cmp "$T/english" "$T/out"
TEXTDOMAINDIR=/nonexistent latin1 "$PROG" explain "550 5.1.1 é" >"$T/out"
"$PROG" explain "550 5.1.1 é" >"$T/english"
check "  in ISO-8859-1, too" cmp "$T/english" "$T/out"

# --- every text is marked -----------------------------------------------------

VERBS="setup import status check test login passwd queue show flush retry hold
	release delete explain aliases rewrite config metrics reload stop
	providers version log store nodes"
# Names, stages, what the C library says, and what was given.
NAMES="relais relaisd sendmail work root unix vm ehlo auth mail send secret one
	two quue Landlock seccomp ABI Microsoft No such file or directory"
# marked COMMAND...: no word of its output is English; the header of a message
# is not ours.
marked() {
	accents "$@" >"$T/out" 2>&1 </dev/null
	# shellcheck disable=SC2086
	sed -e '/^Received:/,$d' -e 's/^[0-9a-z]*  *\([0-9]\)/\1/' "$T/out" | $PSEUDO find $VERBS $NAMES
}
for verb in $VERBS; do
	case $("$PROG" "$verb" --help 2>&1) in *unknown*) continue ;; esac
	check "relais $verb --help is marked" marked "$PROG" "$verb" --help
done
check "relais --help is marked" marked "$PROG" --help
while IFS= read -r words; do
	# shellcheck disable=SC2086
	check "relais $words is marked" marked "$PROG" $words
done <<-END
	queue
	status
	show $id
	explain 552 5.3.4 nnn
	explain 535 5.7.139 nnn
	aliases nnn
	check
	quue
	queue --nnn
	show
	show nnnnnnn
	hold nnnnnnn
	delete nnnnnnn
	login nnn
	flush nnn
	providers zzz
	passwd nnn
	hold $id
	release $id
	aliases -n
	reload
	check nnn
	-c /nnn queue
END
for words in "-f" "-N nnn x@x.example" "-bz" "-R nnn" "-Q"; do
	# shellcheck disable=SC2086
	check "sendmail $words is marked" marked "$top_builddir/sendmail" $words
done

check "sendmail --help is marked" marked "$top_builddir/sendmail" --help
check "sendmail --help, in French" speaks "Remet à relaisd le message" \
    utf8 "$top_builddir/sendmail" --help
check "  in ISO-8859-1" speaks_latin1 "expéditeur" \
    "$top_builddir/sendmail" --help

# --- the page, and the desktop ------------------------------------------------

# page ACCEPT-LANGUAGE [PATH]: $T/page, and its text in $T/out
page() {
	curl -sS --max-time 20 -H 'Sec-Fetch-Site: none' -o "$T/page" \
	    -H "Accept-Language: $1" "http://localhost:8587${2:-/}" || return
	sed -e '/^<pre/,/pre>/d' -e 's/<[^>]*>/ /g' -e 's/&[^;]*;/ /g' \
	    "$T/page" >"$T/out"
}
page_says() { # TEXT ACCEPT-LANGUAGE [PATH]
	page "$2" "${3:-/}" && grep -qF -- "$1" "$T/page"
}
page_marked() { # PATH: each word of it is
	page fr "$1"
	sed 's/^ *//' "$T/out" | sed -e '/^[a-z0-9]\{16\}$/d' >"$T/words"
	# shellcheck disable=SC2086
	$PSEUDO find $VERBS $NAMES code bdi to example org <"$T/words"
}
mkdir -p "$T/cat2/fr/LC_MESSAGES"
cp "$T/cat/xx/LC_MESSAGES/relais.mo" "$T/cat2/fr/LC_MESSAGES"
serve() { # NAME [VARIABLE=VALUE]
	local name=$1
	shift
	env LC_ALL=C "$@" RELAIS_CONTROL="$T/home/control.sock" \
	    "$top_builddir/relais-web" >"$T/$name.log" 2>&1 &
	echo $! >"$T/$name.pid"
	wait_port "$name" 127.0.0.1 8587
}
if [ -x "$top_builddir/relais-web" ] && command -v curl >/dev/null; then
	serve web
	check "the page is French for who wants that" \
	    page_says "File d&#39;attente" fr-CA,en\;q=0.5
	check "  and says so" grep -q '<html lang="fr">' "$T/page"
	check "  what the daemon said in English" page_says "connexion refusée" fr
	check "  a message" page_says "Ce que vous pouvez faire" fr "/message/$id"
	check "  its state" page_says "retenu" fr "/message/$id"
	check "  a page that is not there" page_says "Page introuvable" fr /nowhere
	check "  who is turned away" sh -c "curl -s -H 'Accept-Language: fr' \
	    -H 'Host: evil' http://127.0.0.1:8587/ | grep -q 'sous aucun autre nom'"
	check "English for others" page_says "<html lang=\"en\">" "de, es"
	check "  all of it" page_says "The oldest has waited" en-GB,fr\;q=0.5
	for path in / "/message/$id" /messages; do
		page fr "$path"
		check "no character of $path is shown as a code" \
		    sh -c "! grep '\\\\x[0-9a-f]' '$T/out'"
	done
	stop web
	serve web TEXTDOMAINDIR="$T/cat2"
	for path in / "/message/$id" /messages "/messages?text=zzz" /nnn; do
		check "$path is marked" page_marked "$path"
	done
	stop web
	serve web TEXTDOMAINDIR=/nonexistent
	check "without a catalogue it is English" \
	    page_says '<html lang="en">' fr
	check "  all of it" page_says "The oldest has waited" fr
	stop web
	check "relais-web's errors, in French" speaks "un nombre de 1 à 65535" \
	    utf8 "$top_builddir/relais-web" --port 0
	check "  its help" speaks "chacun voit son courrier" \
	    utf8 "$top_builddir/relais-web" --help
	check "  is marked" marked "$top_builddir/relais-web" --help
else
	skip "the page: needs relais-web and curl"
fi
if [ -x "$top_builddir/relais-notify" ]; then
	check "relais-notify's help" speaks "notification sur le bureau" \
	    utf8 "$top_builddir/relais-notify" --help
	check "  is marked" marked "$top_builddir/relais-notify" --help
	check "  and its errors" speaks "une durée de 1s à 1h" \
	    utf8 "$top_builddir/relais-notify" --interval x
fi

# --- setup on a terminal ------------------------------------------------------

unset RELAIS_SOCKET RELAIS_CONTROL
setup() { # LOCALE-FUNCTION CONF
	"$1" timeout 60 "$PROG" -c "$2" setup "$USER_NAME" \
	    --host mail.example.test --port 587 --tls starttls \
	    --tls-ca-file "$T/pki/ca.pem" --password-file "$T/password" \
	    --no-send
}
check "setup, in French" speaks "Écrit : $T/fr.conf" setup utf8 "$T/fr.conf"
check "  its stages" grep -q "certificat pour mail.example.test valable" "$T/out"
check "  the file has no French in it" grep -q "^# Written by relais setup" \
    "$T/fr.conf"
latin1_setup() { setup latin1 "$T/fr1.conf"; }
setup_again() { setup accents "$T/xx.conf"; }
check "setup is marked" marked setup_again
check "setup, in ISO-8859-1" speaks \
    "$(printf 'Écrit' | iconv -f UTF-8 -t ISO-8859-1)" latin1_setup

# --- the administrator --------------------------------------------------------

digest() { grep -ls "^Subject: Du courrier n'est pas parti de" "$T"/mail/*.eml; }
has_digest() { [ "$(digest | wc -l)" = 1 ]; }
check "the administrator's digest is in the daemon's language" \
    until_true 90 has_digest
python3 - "$(digest)" >"$T/out" <<-END
	import email, email.policy, sys
	m = email.message_from_binary_file(open(sys.argv[1], "rb"),
	    policy=email.policy.default)
	print(m.get_content_charset(), m.get_content())
END
check "  in UTF-8" grep -q "^utf-8 Ceci est le relais" "$T/out"
check "  with cause and remedy" grep -q "Remède..: *vérifiez l'adresse" "$T/out"
check "  and whom it is about" grep -q "<bad@example.net>" "$T/out"
check "the daemon's log is English" grep -q "no such user" "$T/fr.log"
check "  all of it" sh -c "! grep '[^ -~]' $T/fr.log"
sandbox_done
