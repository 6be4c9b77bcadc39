# What a browser shows; the only program that links an HTTP server.
web_texts = %reldir%/style.css %reldir%/live.js %reldir%/icon.svg
web_incs = %reldir%/style.css.inc %reldir%/live.js.inc %reldir%/icon.svg.inc
EXTRA_DIST += $(web_texts)
if HAVE_WEB
sbin_PROGRAMS += relais-web
relais_web_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/src
relais_web_CFLAGS = $(AM_CFLAGS) $(WEB_CFLAGS) $(JANSSON_CFLAGS)
relais_web_SOURCES = \
	%reldir%/accept.c \
	%reldir%/accept.h \
	%reldir%/asker.c \
	%reldir%/asker.h \
	%reldir%/chart.c \
	%reldir%/chart.h \
	%reldir%/events.c \
	%reldir%/events.h \
	%reldir%/html.c \
	%reldir%/html.h \
	%reldir%/page_home.c \
	%reldir%/page_message.c \
	%reldir%/page_messages.c \
	%reldir%/places.c \
	%reldir%/places.h \
	%reldir%/relais-web.c \
	%reldir%/server.c \
	%reldir%/server.h \
	%reldir%/view.c \
	%reldir%/view.h \
	%reldir%/view_log.c
relais_web_LDADD = src/ctl/libctl.a src/net/libnet.a src/mail/libmail.a \
	src/sys/libsys.a src/base/libbase.a $(UV_LIBS) $(JANSSON_LIBS) \
	$(WEB_LIBS) -lpthread

# Each as a string in the program.
BUILT_SOURCES += $(web_incs)
CLEANFILES += $(web_incs)
%reldir%/style.css.inc: %reldir%/style.css
%reldir%/live.js.inc: %reldir%/live.js
%reldir%/icon.svg.inc: %reldir%/icon.svg
$(web_incs):
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	    sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' \
		'$(srcdir)/'`echo $@ | sed 's/\.inc$$//'` >$@.tmp && mv $@.tmp $@
%reldir%/relais_web-server.$(OBJEXT): $(web_incs)
endif
