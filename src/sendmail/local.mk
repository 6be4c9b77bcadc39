# Links the C library and nothing else; tests/lint/sendmail checks it.
sbin_PROGRAMS += sendmail
sendmail_CPPFLAGS = $(AM_CPPFLAGS) -DRELAIS_BIN_DIR=\"$(bindir)\"
sendmail_SOURCES = \
	%reldir%/sendmail.c \
	%reldir%/sendmail_args.c \
	%reldir%/sendmail_args.h \
	%reldir%/sendmail_caller.c \
	%reldir%/sendmail_caller.h \
	%reldir%/sendmail_input.c \
	%reldir%/sendmail_input.h \
	%reldir%/sendmail_message.c \
	%reldir%/sendmail_message.h \
	%reldir%/sendmail_place.c \
	%reldir%/sendmail_place.h \
	%reldir%/sendmail_proxy.c \
	%reldir%/sendmail_proxy.h \
	%reldir%/sendmail_submit.c \
	%reldir%/sendmail_submit.h
sendmail_LDADD = src/queue/libqueue.a src/store/libstore.a src/mail/libmail.a src/mime/libmime.a src/smtp/libsmtp.a \
	src/sys/libsys.a src/base/libbase.a

# The other names of sendmail, each where its callers look for it.
install-exec-hook:
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	cd '$(DESTDIR)$(bindir)' && for name in mailq newaliases; do \
	    rm -f $$name && $(LN_S) '$(sbindir)/sendmail' $$name || exit 1; \
	done
uninstall-hook:
	cd '$(DESTDIR)$(bindir)' && rm -f mailq newaliases
