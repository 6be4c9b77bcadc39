#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# notices.sh once more, with the queue in PostgreSQL: what a notice is about is
# read there.
SHARED=1 exec "$(dirname "$0")/notices.sh"
