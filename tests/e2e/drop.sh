#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# drop.sh - mail handed to sendmail while no daemon runs is not lost: it waits
# in the drop folder and goes when relaisd is back, under its owner's name.
. "${srcdir:-.}/tests/lib/bed.sh"
bed_enter
start_provider mail
conf() { account mail mail.example.test 587 starttls; }
start_relaisd home < <(conf)
stop home
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_DROP=$T/home/spool/drop
export RELAIS_SMTP=127.0.0.1:2525
printf 'Subject: from the drop folder\n\nhello\n' >"$T/m"
chmod 644 "$T/m"
check "sendmail exits 0 without a daemon" \
    "$top_builddir/sendmail" -f relay@example.test to@example.test <"$T/m"
check "the message is in the drop folder" \
    test "$(find "$RELAIS_DROP" -type f | wc -l)" = 1

# What others put there.
ln -s /etc/passwd "$RELAIS_DROP/0123456789abcdef0123456789abcdef"
mkfifo "$RELAIS_DROP/1123456789abcdef0123456789abcdef"
echo nonsense >"$RELAIS_DROP/2123456789abcdef0123456789abcdef"

run_relaisd home
wait_port home 127.0.0.1 2525
taken() { [ "$(grep -c '"event":"message"' "$T/mail.log")" = 1 ]; }
check "relaisd takes it in and sends it" until_true 15 taken
check "its owner is the submitter" \
    grep -q 'picked-up .*uid=0 user=root' "$T/home.log"
gone() { ! grep -rlq '^relais-drop 1' "$RELAIS_DROP"/*-* "$RELAIS_DROP" \
    --devices=skip 2>/dev/null; }
check "the file is gone, what others put there is left alone" until_true 5 gone
check "the daemon is up and sends more" eval \
    'unset RELAIS_DROP; "$top_builddir/sendmail" -f relay@example.test to@example.test <"$T/m"'
[ $bed_bad = 0 ] || show_log home
bed_done
