#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The container image IMAGE by an engine that people use, podman with crun: with
# its own rules (seccomp, capabilities) and with those of the manifests.  Started
# by tests/package/run.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
: "${IMAGE:?the archive}"
export IMAGE
need podman crun curl jq
sandbox_enter
# One hierarchy, seen in this namespace alone; the containers are put into none.
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup || skip_all "no cgroup2 here"

engine() {
	podman --root "$T/graph" --runroot "$T/runroot" --storage-driver vfs \
	    --runtime crun --cgroup-manager cgroupfs --events-backend none \
	    --tmpdir "$T/libpod" "$@"
}
# run NAME OPTION...: with the provider of this test, in its network.
run() {
	engine run --detach --name "$1" --network host --cgroups disabled \
	    --log-driver k8s-file --log-opt "path=$T/$1.log" \
	    --volume "$T/pki/ca.pem:/pki/ca.pem:ro" \
	    --env RELAYHOST="[mail.example.test]:587" \
	    --env RELAYHOST_USERNAME="$USER_NAME" \
	    --env RELAIS_ACCOUNT_TLS_CA_FILE=/pki/ca.pem \
	    --env RELAIS_ADMIN=admin@example.test \
	    --env RELAIS_LISTEN_ALLOW_FROM=127.0.0.0/8 \
	    --env RELAIS_RETRY_AFTER=1s "${@:2}" "$image" >>"$T/engine.log" 2>&1
}
ready() { until_true 15 engine healthcheck run "$1" >>"$T/engine.log" 2>&1; }
send() {
	printf 'From: <%s>\r\nSubject: %s\r\n\r\ntext\r\n' "$USER_NAME" "$1" |
	    timeout 60 curl -sS --mail-from "$USER_NAME" \
		--mail-rcpt to@example.org -T - smtp://127.0.0.1:2525
}
arrived() { grep -qs "^Subject: $1" "$T"/provider/*.eml; }
waiting() { engine exec "$1" relais --json queue | jq length; }
# Mounted by Kubernetes: of root, for a group.
secret() { # FILE UID:GROUP MODE
	cp "$T/secret/mail" "$1"
	chown "$2" "$1"
	chmod "$3" "$1"
}

start_provider provider
# As an image of Docker: the OCI's know no health check.
check "podman takes it" eval \
    'engine pull --quiet "docker-archive:$IMAGE" >"$T/engine.log" 2>&1'
image=$(engine images --format '{{.Repository}}:{{.Tag}}')
note "$image, with $(podman --version) and $(crun --version | head -n 1)"

# --- with nothing asked of the engine -------------------------------------------

secret "$T/plain" 10025:0 400
check "it runs as the engine would run any image" eval \
    'run plain --volume "$T/plain:/run/secrets/password:ro" \
    --env RELAYHOST_PASSWORD_FILE=/run/secrets/password \
    --env RELAIS_LOG_FORMAT=json && ready plain'
check "  a program sends, and it arrives" eval \
    'send plain && until_true 15 arrived plain'
check "  the log is JSON on standard output" eval \
    'sed -n "s/^[^ ]* stdout F //p" "$T/plain.log" | jq -es "map(.event) |
    index(\"sent\")" >/dev/null'
check "  its own filter of system calls holds inside the engine's" eval \
    'engine exec plain relais --json status | jq -e ".protections[] |
    select(.name == \"seccomp\") | .holds" >/dev/null'
check "  there is no shell" eval '! engine exec plain sh -c true 2>/dev/null'
engine rm --force --volumes plain >>"$T/engine.log" 2>&1

# --- strict, and on a volume ------------------------------------------------------

mkdir "$T/volume"
chown 0:12345 "$T/volume"
chmod 2770 "$T/volume"
secret "$T/strict" 0:12345 440
strict() { # NAME
	run "$1" --user 54321:0 --group-add 12345 --read-only \
	    --read-only-tmpfs=false --tmpfs /run/relais:mode=1770 \
	    --cap-drop all --security-opt no-new-privileges \
	    --volume "$T/volume:/var/spool/relais" \
	    --volume "$T/strict:/run/secrets/password:ro" \
	    --env RELAYHOST_PASSWORD_FILE=/run/secrets/password
}
check "any user, group 0, no capability, a root that cannot be written" \
    eval 'strict one && ready one'
check "  a program sends, and it arrives" eval \
    'send strict && until_true 15 arrived strict'
stop provider
send second
started=$(date +%s%N)
engine stop --time 10 one >>"$T/engine.log" 2>&1
took=$((($(date +%s%N) - started) / 1000000))
check "at a stop it ends by itself within five seconds" [ $took -lt 5000 -a \
    "$(engine inspect one --format '{{.State.ExitCode}}')" = 0 ]
note "$took ms"
engine rm one >>"$T/engine.log" 2>&1
strict two
check "made anew on the same volume it has what waited" eval \
    'ready two && [ "$(waiting two)" = 1 ]'
send third
engine kill --signal KILL two >>"$T/engine.log" 2>&1
engine rm --force two >>"$T/engine.log" 2>&1
start_provider provider
strict three
check "killed and made anew, too: both arrive" eval \
    'until_true 30 arrived second && until_true 30 arrived third'
check "  and nothing twice" [ -z "$(grep -h ^Subject: "$T"/provider/*.eml |
    sort | uniq -d)" ]
engine rm --force --time 5 three >>"$T/engine.log" 2>&1
[ "$sandbox_bad" = 0 ] || for c in engine plain one two three; do show_log $c; done
sandbox_done
