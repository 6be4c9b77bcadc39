# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# worlds.sh - several sandboxes in one, each with its own provider and relaisd, for
# tests that mostly wait.  Sourced after sandbox.sh.
: "${WORLDS:=5}" # at once
worlds=0

# world COMMAND...: with $T and ports of its own, in the background: $FAR is the
# provider's, $SAFE and $PORT are relaisd's.
world() {
	worlds=$((worlds + 1))
	[ "$(jobs -r | wc -l)" -lt "$WORLDS" ] || wait -n
	in_world "$@" >"$T/said.$worlds" 2>&1 &
}
in_world() {
	mkdir -m 755 "$T/$worlds"
	cp -a "$T/pki" "$T/secret" "$T/users.passwd" "$T/$worlds"
	T=$T/$worlds PORT=$((3000 + worlds)) SAFE=$((4000 + worlds))
	FAR=$((5000 + worlds))
	"$@"
}
# What all of them said; the last command of a script.
worlds_done() {
	local n
	wait
	for n in $(seq "$worlds"); do
		cat "$T/said.$n"
		grep -q ^PASS "$T/said.$n" && ! grep -q ^FAIL "$T/said.$n" ||
		    sandbox_bad=1
	done
	sandbox_done
}

# --- in a world -----------------------------------------------------------------

# With $ACCOUNT, lines of configuration.
world_account() {
	account mail mail.example.test "$FAR" starttls
	printf '%s\n' "${ACCOUNT:-}"
	printf '[listen safe]\naddress = 127.0.0.1:%d\nmode = safe\n' "$SAFE"
}
world_begin() { # PROVIDER-OPTION...
	start_provider provider --port "$FAR" --implicit-port $((FAR + 1000)) "$@"
	start_relaisd home < <(world_account)
}
world_end() {
	no_crash home
	stop home
	stop provider
}
logins() { grep -c ' connected account=mail ' "$T/home.log"; }
