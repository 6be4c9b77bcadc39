# The check of an account, stage by stage.
noinst_LIBRARIES += %reldir%/libcheck.a
%canon_reldir%_libcheck_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libcheck_a_SOURCES = \
	%reldir%/check.c \
	%reldir%/check.h \
	%reldir%/check_reach.c \
	%reldir%/check_reach.h \
	%reldir%/check_result.c \
	%reldir%/check_result.h \
	%reldir%/check_talk.c \
	%reldir%/check_talk.h
