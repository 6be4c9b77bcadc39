# Tests of src/queue.
QUEUE_FIXTURE = tests/lib/fault_fs.c tests/lib/fault_fs.h \
	tests/lib/queue_fixture.c tests/lib/queue_fixture.h \
	tests/lib/database.c tests/lib/database.h \
	tests/lib/memory_store.c tests/lib/memory_store.h

unit_tests += %reldir%/test_bounce %reldir%/test_budget %reldir%/test_crc32 \
	%reldir%/test_delivery %reldir%/test_drop %reldir%/test_due %reldir%/test_qid \
	%reldir%/test_queue %reldir%/test_queue_fold %reldir%/test_queue_history %reldir%/test_queue_remote %reldir%/test_queue_remove %reldir%/test_queue_user %reldir%/test_retry %reldir%/test_siphash %reldir%/test_slab %reldir%/test_spool \
	%reldir%/test_journal_text \
	%reldir%/test_history %reldir%/test_journal %reldir%/test_spool_history \
	%reldir%/test_store_text %reldir%/test_store_move

%canon_reldir%_test_store_move_SOURCES = %reldir%/test_store_move.c \
	tests/lib/memory_store.c tests/lib/memory_store.h

%canon_reldir%_test_delivery_SOURCES = %reldir%/test_delivery.c $(QUEUE_FIXTURE)
unit_tests += %reldir%/test_share
%canon_reldir%_test_share_SOURCES = %reldir%/test_share.c \
	tests/lib/memory_store.c tests/lib/memory_store.h

%canon_reldir%_test_drop_SOURCES = %reldir%/test_drop.c $(QUEUE_FIXTURE)
%canon_reldir%_test_queue_SOURCES = %reldir%/test_queue.c $(QUEUE_FIXTURE)
%canon_reldir%_test_queue_fold_SOURCES = %reldir%/test_queue_fold.c $(QUEUE_FIXTURE)
%canon_reldir%_test_queue_remote_SOURCES = %reldir%/test_queue_remote.c $(QUEUE_FIXTURE)
%canon_reldir%_test_queue_remove_SOURCES = %reldir%/test_queue_remove.c $(QUEUE_FIXTURE)

%canon_reldir%_test_queue_user_SOURCES = %reldir%/test_queue_user.c $(QUEUE_FIXTURE)

%canon_reldir%_test_spool_SOURCES = %reldir%/test_spool.c \
	tests/lib/fault_fs.c tests/lib/fault_fs.h

EXTRA_DIST += %reldir%/remote
if HAVE_CMOCKA
TESTS += %reldir%/remote
endif

%canon_reldir%_test_spool_history_SOURCES = %reldir%/test_spool_history.c \
	tests/lib/fault_fs.c tests/lib/fault_fs.h

%canon_reldir%_test_queue_history_SOURCES = %reldir%/test_queue_history.c $(QUEUE_FIXTURE)
