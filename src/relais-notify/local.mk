# Tells a desktop; besides relais-keyring the only program that links GLib.
if HAVE_NOTIFY
bin_PROGRAMS += relais-notify
relais_notify_CFLAGS = $(AM_CFLAGS) $(NOTIFY_CFLAGS) $(JANSSON_CFLAGS)
relais_notify_SOURCES = \
	%reldir%/bubble.c \
	%reldir%/bubble.h \
	%reldir%/relais-notify.c \
	%reldir%/watch.c \
	%reldir%/watch.h
relais_notify_LDADD = src/ctl/libctl.a src/sys/libsys.a src/base/libbase.a \
	$(JANSSON_LIBS) $(NOTIFY_LIBS)
endif
