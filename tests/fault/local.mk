# The promise under failing disk calls and sudden death; unit/queue.mk has
# QUEUE_LIBS and QUEUE_FIXTURE.
fault_tests = %reldir%/test_fault_queue %reldir%/test_crash_queue \
	%reldir%/test_threads_queue

%canon_reldir%_test_fault_queue_SOURCES = %reldir%/test_fault_queue.c \
	$(QUEUE_FIXTURE)
%canon_reldir%_test_crash_queue_SOURCES = %reldir%/test_crash_queue.c \
	$(QUEUE_FIXTURE)

%canon_reldir%_test_threads_queue_SOURCES = %reldir%/test_threads_queue.c \
	$(QUEUE_FIXTURE)

# Needs a database: tests/e2e/stores.sh runs it.
%canon_reldir%_test_shared_store_SOURCES = %reldir%/test_shared_store.c \
	tests/lib/database.c tests/lib/database.h

if HAVE_CMOCKA
check_PROGRAMS += $(fault_tests) %reldir%/test_shared_store
TESTS += $(fault_tests)
endif

# The same with the real daemon; run by tests/e2e/run.
EXTRA_DIST += \
	%reldir%/abuse.py %reldir%/abuse.sh \
	%reldir%/accounts.sh \
	%reldir%/apart.sh \
	%reldir%/auth.sh \
	%reldir%/blocking.sh \
	%reldir%/churn.sh \
	%reldir%/clock.sh \
	%reldir%/connections.py %reldir%/connections.sh \
	%reldir%/corrupt.py %reldir%/corrupt.sh \
	%reldir%/cut.sh \
	%reldir%/days.sh \
	%reldir%/deadlines.sh \
	%reldir%/descriptors.sh \
	%reldir%/diskfull.sh \
	%reldir%/droppers.sh \
	%reldir%/failover.sh \
	%reldir%/fortress.sh \
	%reldir%/hostile.py %reldir%/hostile.sh \
	%reldir%/keeper.sh \
	%reldir%/kill.sh \
	%reldir%/many.sh \
	%reldir%/neighbour.py %reldir%/neighbour.sh \
	%reldir%/points.py %reldir%/points.sh \
	%reldir%/poison.sh \
	%reldir%/power.sh \
	%reldir%/powercut.sh \
	%reldir%/rcpts.sh \
	%reldir%/reload.sh \
	%reldir%/restart.sh \
	%reldir%/shared.sh \
	%reldir%/siege.py %reldir%/siege.sh \
	%reldir%/stall.sh \
	%reldir%/storms.sh \
	%reldir%/tokens.sh \
	%reldir%/uncertain.sh

check_PROGRAMS += %reldir%/powercut
%canon_reldir%_powercut_LDADD = $(RELAIS_LIBS)
