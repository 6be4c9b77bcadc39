#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The promise of a shared queue: whatever was answered with 250 reaches the
# provider, whichever relay dies, and however often the database does.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit
# Rounds of dying, relays and databases; clients; seconds between the deaths; mails,
# at least, while relays die; seconds to stand still.
: "${ROUNDS:=6}" "${CLIENTS:=6}" "${EVERY:=1.5}" "${MAILS:=0}" "${STILL:=14}"

start_provider provider
relays
enough() { [ "$(wc -l <"$T/accepted")" -ge "$MAILS" ]; }

# --- relays die -----------------------------------------------------------------

load "$CLIENTS"
for ((i = 0; i < ROUNDS; i++)); do
	sleep "$EVERY"
	n=$((RANDOM % 3))
	stop "relay$n" KILL
	sleep 0.5
	relay $n
done
until_true 60 enough || note "only $(wc -l <"$T/accepted") of $MAILS accepted"
over "kill -9 of relays"

# --- the database dies ------------------------------------------------------------

load
for ((i = 0; i < ROUNDS; i++)); do
	sleep 1
	pg_kill
	sleep 0.3
	pg_start
done
sleep 3
over "kill -9 of PostgreSQL"

# --- a relay stands still ------------------------------------------------------------

load
sleep 1
pid=$(worker relay0)
kill -STOP "$pid"
sleep "$STILL"
kill -CONT "$pid"
sleep 3
over "a relay that stands still"
says relay0 "it starts again" "it learns that it was taken for dead"
sandbox_done
