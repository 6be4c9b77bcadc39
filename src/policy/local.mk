noinst_LIBRARIES += %reldir%/libpolicy.a
%canon_reldir%_libpolicy_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libpolicy_a_SOURCES = \
	%reldir%/fold.c \
	%reldir%/fold.h \
	%reldir%/user_limit.c \
	%reldir%/user_limit.h
