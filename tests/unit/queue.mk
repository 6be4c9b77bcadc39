# Tests of src/queue.
QUEUE_LIBS = src/queue/libqueue.a src/mail/libmail.a src/sys/libsys.a \
	src/base/libbase.a $(IDN2_LIBS) -lpthread
QUEUE_LAB = tests/lib/fault_fs.c tests/lib/fault_fs.h \
	tests/lib/lab.c tests/lib/lab.h

unit_tests += %reldir%/test_queue
%canon_reldir%_test_queue_SOURCES = %reldir%/test_queue.c $(QUEUE_LAB)
%canon_reldir%_test_queue_LDADD = $(QUEUE_LIBS) $(CMOCKA_LIBS)
