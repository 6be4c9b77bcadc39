# Tests of src/queue.
QUEUE_LIBS = src/queue/libqueue.a src/store/libstore.a src/mail/libmail.a src/mime/libmime.a src/sys/libsys.a \
	src/base/libbase.a $(IDN2_LIBS) -lpthread
QUEUE_LAB = tests/lib/fault_fs.c tests/lib/fault_fs.h \
	tests/lib/lab.c tests/lib/lab.h

unit_tests += %reldir%/test_bounce %reldir%/test_budget %reldir%/test_crc32 \
	%reldir%/test_delivery %reldir%/test_drop %reldir%/test_due %reldir%/test_qid \
	%reldir%/test_queue %reldir%/test_queue_fold %reldir%/test_queue_remove %reldir%/test_queue_user %reldir%/test_retry %reldir%/test_siphash %reldir%/test_slab %reldir%/test_spool \
	%reldir%/test_spool_history \
	%reldir%/test_spool_journal \
	%reldir%/test_spool_text

%canon_reldir%_test_bounce_SOURCES = %reldir%/test_bounce.c
%canon_reldir%_test_bounce_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_budget_SOURCES = %reldir%/test_budget.c
%canon_reldir%_test_budget_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_crc32_SOURCES = %reldir%/test_crc32.c
%canon_reldir%_test_crc32_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_delivery_SOURCES = %reldir%/test_delivery.c $(QUEUE_LAB)
%canon_reldir%_test_delivery_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_drop_SOURCES = %reldir%/test_drop.c $(QUEUE_LAB)
%canon_reldir%_test_drop_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_due_SOURCES = %reldir%/test_due.c
%canon_reldir%_test_due_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_qid_SOURCES = %reldir%/test_qid.c
%canon_reldir%_test_qid_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_queue_SOURCES = %reldir%/test_queue.c $(QUEUE_LAB)
%canon_reldir%_test_queue_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_queue_fold_SOURCES = %reldir%/test_queue_fold.c $(QUEUE_LAB)
%canon_reldir%_test_queue_fold_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_queue_remove_SOURCES = %reldir%/test_queue_remove.c $(QUEUE_LAB)
%canon_reldir%_test_queue_remove_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_test_queue_user_SOURCES = %reldir%/test_queue_user.c $(QUEUE_LAB)
%canon_reldir%_test_queue_user_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_retry_SOURCES = %reldir%/test_retry.c
%canon_reldir%_test_retry_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_slab_SOURCES = %reldir%/test_slab.c
%canon_reldir%_test_slab_LDADD = src/base/libbase.a $(CMOCKA_LIBS)

%canon_reldir%_test_siphash_SOURCES = %reldir%/test_siphash.c
%canon_reldir%_test_siphash_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_spool_history_SOURCES = %reldir%/test_spool_history.c
%canon_reldir%_test_spool_history_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_spool_journal_SOURCES = %reldir%/test_spool_journal.c
%canon_reldir%_test_spool_journal_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_spool_text_SOURCES = %reldir%/test_spool_text.c
%canon_reldir%_test_spool_text_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_spool_SOURCES = %reldir%/test_spool.c \
	tests/lib/fault_fs.c tests/lib/fault_fs.h
%canon_reldir%_test_spool_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
