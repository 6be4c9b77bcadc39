noinst_LIBRARIES += %reldir%/libinbound.a
%canon_reldir%_libinbound_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libinbound_a_SOURCES = \
	%reldir%/guard.c \
	%reldir%/guard.h \
	%reldir%/inbound.c \
	%reldir%/inbound.h \
	%reldir%/incoming.c \
	%reldir%/incoming.h \
	%reldir%/pace.c \
	%reldir%/pace.h \
	%reldir%/pickup.c \
	%reldir%/pickup.h \
	%reldir%/session.c \
	%reldir%/session.h
