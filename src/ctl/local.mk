# The control protocol.  ctl_client needs no event loop, ctl_server does; one
# library, from which a program takes what it uses.
noinst_LIBRARIES += %reldir%/libctl.a
%canon_reldir%_libctl_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UV_CFLAGS)
%canon_reldir%_libctl_a_SOURCES = \
	%reldir%/ctl_client.c \
	%reldir%/ctl_client.h \
	%reldir%/ctl_json.c \
	%reldir%/ctl_json.h \
	%reldir%/ctl_line.c \
	%reldir%/ctl_line.h \
	%reldir%/ctl_server.c \
	%reldir%/ctl_server.h
