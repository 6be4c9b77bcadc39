#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The container image IMAGE, run as the manifests of contrib say: as a user
# without a name or capabilities, its root read-only.  What engines do is done
# by tests/lib/container.  Started by tests/package/run.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
: "${IMAGE:?the archive}"
export IMAGE
need python3 jq curl nsenter
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is not installed"
sandbox_enter

# --- the archive --------------------------------------------------------------

I=$T/image root=$T/root
mkdir -p "$I" "$root"
tar -C "$I" -xf "$IMAGE"
blob() { echo "$I/blobs/sha256/${1#sha256:}"; }
digest() { jq -r "$2.digest" "$1"; }
manifest=$(blob "$(digest "$I/index.json" '.manifests[0]')")
config=$(blob "$(digest "$manifest" .config)")
layer=$(blob "$(digest "$manifest" '.layers[0]')")
check "every part has the name of its hash" eval \
    '(cd "$I/blobs/sha256" && for b in *; do echo "$b  $b"; done | sha256sum -c --quiet)'
check "and the size that the manifest says" [ \
    "$(jq '.layers[0].size' "$manifest") $(jq .config.size "$manifest")" = \
    "$(stat -c %s "$layer") $(stat -c %s "$config")" ]
check "the layer is what the configuration says" [ \
    "sha256:$(gzip -dc "$layer" | sha256sum | cut -d ' ' -f 1)" = \
    "$(jq -r '.rootfs.diff_ids[0]' "$config")" ]
tar -C "$root" -xzpf "$layer"
if command -v skopeo >/dev/null; then
	for kind in oci docker; do
		check "skopeo reads it as an archive of $kind" eval \
		    'skopeo inspect "$kind-archive:$IMAGE" >"$T/inspect" 2>&1'
	done
else
	skip "reading the archive: skopeo is not installed"
fi
size=$(stat -c %s "$IMAGE") unpacked=$(du -sk "$root" | cut -f 1)
check "at most 40 MB" [ $((size / 1000)) -le 40000 -a "$unpacked" -le 40000 ]
note "$((size / 1000)) kB, unpacked $unpacked kB"
check "no shell, interpreter or package manager" [ -z "$(find "$root" \
    -regextype posix-extended -regex \
    '.*/(sh|bash|dash|busybox|perl.*|python.*|apt.*|dpkg|env|cat|ls|nc)' -type f)" ]
check "no file with rights of its own" \
    [ -z "$(find "$root" -type f -perm /7000)$(getcap -r "$root" 2>/dev/null)" ]
check "nothing that others may write but /tmp" \
    [ "$(cd "$root" && find . ! -type l -perm -002)" = ./tmp ]

printf '%s\n' "[relais]" "admin = admin@example.test" "store = postgres" \
    "store_url = postgres://relais@127.0.0.1:1/relais" "[account a]" \
    "host = mail.example.test" >"$T/shared.conf"
cp "$T/shared.conf" "$root/tmp/"
chroot "$root" /usr/bin/relais -c /tmp/shared.conf store check >"$T/said" 2>&1
check "its module for PostgreSQL speaks to a database" \
    grep -qi "connection refused" "$T/said"
rm "$root/tmp/shared.conf"

# --- containers ---------------------------------------------------------------

# What an engine makes for each container.
echo "127.0.0.1 localhost mail.example.test" >"$root/etc/hosts"
mkdir "$root/pki"
cp "$T/pki/ca.pem" "$root/pki/"
# Two other machines; the second is in nobody's network.
ip address add 10.9.8.7/32 dev lo
ip address add 172.30.25.9/32 dev lo
ip address add 203.0.113.5/32 dev lo

# spec FILE DIR [UID GROUP]: with the provider of this test in place of yours.
spec() {
	"$srcdir/tests/lib/manifest" "$config" "$srcdir/contrib/$1" "$T/$2" \
	    "${@:3}" | jq -c '.env += {
		RELAYHOST: "[mail.example.test]:587",
		RELAYHOST_USERNAME: "'"$USER_NAME"'",
		RELAIS_ADMIN: "admin@example.test",
		RELAIS_ACCOUNT_TLS_CA_FILE: "/pki/ca.pem",
		RELAIS_RETRY_AFTER: "1s" }'
	find "$T/$2" -type f -name password -exec cp "$T/secret/mail" {} \;
}
# create NAME SPEC
create() {
	unshare --mount --pid --ipc --uts --fork --kill-child=KILL \
	    "$srcdir/tests/lib/container" "$root" "$2" \
	    >>"$T/$1.log" 2>>"$T/$1.err" </dev/null &
	echo $! >"$T/$1.pid"
}
first_of() { pgrep -P "$(cat "$T/$1.pid")"; }
# destroy NAME [SIGNAL]: its first process gets the signal.
destroy() {
	kill "-${2:-TERM}" "$(first_of "$1")"
	wait "$(cat "$T/$1.pid")" 2>/dev/null
}
# inside NAME SPEC PROGRAM ARGUMENT...
inside() {
	local args
	args=$(jq -cn '$ARGS.positional' --args -- "${@:3}")
	nsenter --target "$(first_of "$1")" --mount --pid --ipc --uts \
	    "$srcdir/tests/lib/container" "$root" \
	    "$(jq -c --argjson args "$args" '.args = $args | del(.mounts)' <<<"$2")"
}
# By the health check of the image or the manifest.
is_healthy() { # NAME SPEC
	local words
	mapfile -t words < <(jq -r '.health[]' <<<"$2")
	inside "$1" "$2" "${words[@]}"
}
ready() { # NAME SPEC
	until_true 15 is_healthy "$1" "$2" 2>/dev/null && return
	cat "$T/$1.log" "$T/$1.err"
	fail "the container $1 does not get healthy"
	exit 1
}
# send SUBJECT [ADDRESS]: from there, which is this machine.
send() {
	local to=${2:-10.9.8.7}
	printf 'From: <%s>\r\nSubject: %s\r\n\r\ntext\r\n' "$USER_NAME" "$1" |
	    timeout 60 curl -sSv --interface "$to" --mail-from "$USER_NAME" \
		--mail-rcpt to@example.org -T - "smtp://$to:2525" \
		>"$T/send.out" 2>&1
}
arrived() { [ "$(grep -ls "^Subject: $1" "$T"/provider/*.eml | wc -l)" = "${2:-1}" ]; }
waiting() { inside "$1" "$2" /usr/bin/relais --json queue | jq length; }
with() { jq -c "$2" <<<"$1"; } # SPEC FILTER
# errors NAME SPEC: all that it says before it ends.
errors() {
	create "$1" "$2"
	wait "$(cat "$T/$1.pid")"
	echo "exit $?" >>"$T/$1.err"
	cat "$T/$1.log" "$T/$1.err"
}

start_provider provider
random=$((1000000000 + RANDOM * 30 + RANDOM))
note "uid and group of the volumes: $random"
relay=$(spec kubernetes/relay.yaml relay $random $random)

said=$(errors open "$(with "$relay" 'del(.env.RELAIS_LISTEN_ALLOW_FROM)')")
check "without allow_from it does not start" grep -q '^exit 78' <<<"$said"
check "  and says in one sentence what to set" \
    eval '[ "$(grep -c . <<<"$said")" = 2 ] && grep -q "set RELAIS_LISTEN_ALLOW_FROM" <<<"$said"'
note "$(head -n 1 <<<"$said")"
said=$(errors typo "$(with "$relay" '.env.RELAIS_ADMN = "x"')")
check "a variable that is misspelt is an error with the right name" \
    grep -q 'RELAIS_ADMN: .* did you mean RELAIS_ADMIN?' <<<"$said"

# --- one relay for a network ----------------------------------------------------

create relay "$relay"
check "relay.yaml runs as that user, and the health check says so" \
    ready relay "$relay"
of_first() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(first_of relay)/status"; }
check "  with no capability, and no way to one" [ \
    "$(of_first CapEff)$(of_first CapPrm)$(of_first CapBnd)$(of_first NoNewPrivs)" = \
    "$(printf %048d 0)1" ]
check "  as that user and group 0" [ "$(of_first Uid) $(of_first Gid)" = "$random 0" ]
check "  with a root that cannot be written" \
    grep -qE ' / ro[, ]' "/proc/$(first_of relay)/mountinfo"
check "another pod sends" send first
check "  and it arrives" until_true 15 arrived first
check "another network is refused" eval \
    '! send stranger 203.0.113.5 && grep -q "550 5.7.1" "$T/send.out"'
check "the log is on standard output" eval \
    'grep -q " sent id=" "$T/relay.log" && ! grep -q " id=" "$T/relay.err"'
inside relay "$relay" /usr/bin/relais --json status >"$T/status"
check "relais status works inside" [ "$(jq '.accounts | length' "$T/status")" = 1 ]

# Of both processes, shared pages by parts: memory of their own, and pages of
# the image's files, which the kernel drops and reads again as it likes.
memory() { # LINE
	cat "/proc/$(first_of relay)/smaps_rollup" \
	    "/proc/$(pgrep -P "$(first_of relay)")/smaps_rollup" |
	    awk -v k="$1:" '$1 == k { n += $2 } END { print n }'
}
for i in $(seq 30); do send "many $i"; done
until_true 30 arrived many 30
own=$(memory Pss_Anon) all=$(memory Pss)
check "at most 5 MB of memory" [ "$own" -le 5000 ]
note "$own kB after $i messages, beside $((all - own)) kB of programs and libraries"

stop provider
send second
send third
# A client in the middle of a message.
exec 5<>/dev/tcp/10.9.8.7/2525
printf 'EHLO pod\r\nMAIL FROM:<%s>\r\nRCPT TO:<to@example.org>\r\nDATA\r\n' \
    "$USER_NAME" >&5
started=$(date +%s%N)
destroy relay
took=$((($(date +%s%N) - started) / 1000000))
exec 5>&-
check "at SIGTERM it ends within five seconds" [ $took -lt 5000 ]
note "$took ms, with two messages waiting and a third coming in"
create relay "$relay"
check "another container on the same volume" ready relay "$relay"
check "  has what waited" [ "$(waiting relay "$relay")" = 2 ]
send fourth
destroy relay KILL
create relay "$relay"
ready relay "$relay"
check "a third one after kill -9, too" [ "$(waiting relay "$relay")" = 3 ]
start_provider provider
for m in second third fourth; do
	check "  the $m message arrives" until_true 30 arrived $m
done
destroy relay
check "and nothing arrived twice" [ -z "$(cat "$T"/provider/*.eml |
    grep ^Subject: | sort | uniq -d)" ]

# --- beside a program, and with Compose -------------------------------------------

sidecar=$(spec kubernetes/sidecar.yaml sidecar)
create sidecar "$sidecar"
check "sidecar.yaml runs" ready sidecar "$sidecar"
check "  the program beside it sends" eval \
    'send beside 127.0.0.1 && until_true 15 arrived beside'
check "  and nobody else does" eval '! send elsewhere'
destroy sidecar

compose=$(spec compose/compose.yaml compose)
create compose "$compose"
check "compose.yaml runs" ready compose "$compose"
check "  the program in its network sends" eval \
    'send composed 172.30.25.9 && until_true 15 arrived composed'
stop provider
send waits 172.30.25.9
destroy compose KILL

# --- an engine that lets nothing through --------------------------------------------

start_provider provider
strict=$(with "$compose" '.denied = true')
create strict "$strict"
check "without seccomp, Landlock and namespaces it runs on the same volume" \
    ready strict "$strict"
check "  what waited arrives" until_true 30 arrived waits
inside strict "$strict" /usr/bin/relais --json status >"$T/status"
protection() { jq -r ".protections[] | select(.name == \"$1\") | .$2" "$T/status"; }
for p in seccomp Landlock; do
	check "  status says that $p does not hold" [ "$(protection $p holds)" = false ]
	note "$(protection $p why)"
done
check "  and what does" [ "$(protection "no new privileges" holds)" = true ]
check "  also to a person" eval \
    'inside strict "$strict" /usr/bin/relais status | grep -i landlock'
destroy strict
# --- a sign-in by OAuth2 --------------------------------------------------------------

stop provider
mkdir "$T/token"
echo a-token >"$T/token/good"
start token python3 "$srcdir/tests/lib/token_server.py" "$T/token" 9443 \
    "$T/pki/mail.pem" "$T/pki/mail.key"
until_true 10 grep -q ready "$T/token.log"
start_provider provider --mechanisms "XOAUTH2 OAUTHBEARER" \
    --token-file "$T/token/good"
# Mounted, as the rows of one's own provider are.
site=https://mail.example.test:9443
cat >"$root/etc/relais/oauth2" <<END
test issuer=$site device=$site/device token=$site/token scope=smtp.send
    scope=offline_access
END
cat "$T/pki/ca.pem" >>"$root/etc/ssl/certs/ca-certificates.crt"
signed=$(with "$compose" 'del(.env.RELAYHOST_PASSWORD_FILE) | .env += {
    RELAIS_ACCOUNT_OAUTH: "test", RELAIS_ACCOUNT_CLIENT_ID: "relais-test" }')
create signed "$signed"
ready signed "$signed"
check "relais login signs in, inside" eval \
    'inside signed "$signed" /usr/bin/relais login default >"$T/login" 2>&1'
check "  and mail leaves with the token" eval \
    'send token 172.30.25.9 && until_true 15 arrived token'
destroy signed
create signed "$signed"
ready signed "$signed"
check "another container on the volume needs no sign-in" eval \
    'send again 172.30.25.9 && until_true 15 arrived again'
destroy signed
stop provider
start_provider provider

# --- the daemon of the host ---------------------------------------------------------

relaisd_conf host < <(account mail mail.example.test 587 starttls)
mkdir -p /run/relais
chmod 755 /run/relais
chown relais /run/relais
sed -i 's,^socket = .*,socket = /run/relais/smtp.sock,' "$T/host/relais.conf"
run_relaisd host
until_true 15 test -S /run/relais/smtp.sock
guest=$(jq -cn '{ args: ["/usr/sbin/sendmail", "-i", "to@example.org"],
    env: { PATH: "/usr/sbin:/usr/bin" }, uid: 4711, gid: 4711, groups: [],
    mounts: [["/run/relais", "/run/relais", "--bind", "-o", "ro"]] }')
as_guest() {
	printf 'Subject: guest\n\ntext\n' | unshare --mount --pid --fork \
	    "$srcdir/tests/lib/container" "$root" "$guest" >"$T/guest.log" 2>&1
}
check "sendmail in a container reaches the daemon of the host" as_guest
check "  and its mail arrives" until_true 15 arrived guest
check "  as that user's" eval 'until_true 5 grep -q "uid=4711" "$T/host.log"'
stop host
[ "${sandbox_bad:?}" = 0 ] || for c in relay sidecar compose strict login signed guest host; do show_log $c; done
sandbox_done
