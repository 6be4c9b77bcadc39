noinst_LIBRARIES += %reldir%/libmail.a
%canon_reldir%_libmail_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/src
%canon_reldir%_libmail_a_CFLAGS = $(AM_CFLAGS) $(IDN2_CFLAGS)
%canon_reldir%_libmail_a_SOURCES = \
	%reldir%/addr.c \
	%reldir%/addr.h \
	%reldir%/addr_list.c \
	%reldir%/addr_list.h \
	%reldir%/date.c \
	%reldir%/date.h \
	%reldir%/date_parse.c \
	%reldir%/date_parse.h \
	%reldir%/date_token.c \
	%reldir%/date_token.h \
	%reldir%/diagnosis.c \
	%reldir%/diagnosis.h \
	%reldir%/envelope.c \
	%reldir%/envelope.h \
	%reldir%/field_name.c \
	%reldir%/field_name.h \
	%reldir%/header.c \
	%reldir%/header.h \
	%reldir%/idna.c \
	%reldir%/idna.h \
	%reldir%/mailbox.c \
	%reldir%/mailbox.h \
	%reldir%/msgid.c \
	%reldir%/msgid.h \
	%reldir%/received.c \
	%reldir%/received.h \
	%reldir%/reply_table.c \
	%reldir%/reply_table.h \
	%reldir%/verdict.c \
	%reldir%/verdict.h \
	%reldir%/xtext.c \
	%reldir%/xtext.h
dist_pkgdata_DATA += %reldir%/replies

# The table of replies once more, as a string in the programs.
BUILT_SOURCES += %reldir%/replies.inc
CLEANFILES += %reldir%/replies.inc
%reldir%/replies.inc: %reldir%/replies
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	    sed -e '/^#/d' -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' \
		'$(srcdir)/%reldir%/replies' >$@.tmp && mv $@.tmp $@
%reldir%/libmail_a-diagnosis.$(OBJEXT): %reldir%/replies.inc
