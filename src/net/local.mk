noinst_LIBRARIES += %reldir%/libnet.a
%canon_reldir%_libnet_a_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
%canon_reldir%_libnet_a_SOURCES = \
	%reldir%/activate.c \
	%reldir%/dial.c \
	%reldir%/dial.h \
	%reldir%/dirwatch.c \
	%reldir%/dirwatch.h \
	%reldir%/probe443.c \
	%reldir%/probe443.h \
	%reldir%/listen.c \
	%reldir%/listen.h \
	%reldir%/lookup.c \
	%reldir%/lookup.h \
	%reldir%/loop.c \
	%reldir%/loop.h \
	%reldir%/loop_inside.h \
	%reldir%/netwatch.c \
	%reldir%/netwatch.h \
	%reldir%/people.c \
	%reldir%/people.h \
	%reldir%/peer.c \
	%reldir%/peer.h \
	%reldir%/race.c \
	%reldir%/race.h \
	%reldir%/stream.c \
	%reldir%/stream.h
