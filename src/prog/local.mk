sbin_PROGRAMS += relaisd
relaisd_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
relaisd_SOURCES = \
	%reldir%/admission.c \
	%reldir%/admission.h \
	%reldir%/alert.c \
	%reldir%/alert.h \
	%reldir%/background.c \
	%reldir%/background.h \
	%reldir%/daemon.c \
	%reldir%/daemon.h \
	%reldir%/accounts.c \
	%reldir%/accounts.h \
	%reldir%/notice_cap.c \
	%reldir%/notice_cap.h \
	%reldir%/notices.c \
	%reldir%/notices.h \
	%reldir%/relaisd.c \
	%reldir%/sockets.c \
	%reldir%/sockets.h \
	%reldir%/unapplied.c \
	%reldir%/unapplied.h
relaisd_LDADD = src/prog/libcontrol.a \
	src/inbound/libinbound.a src/outbound/liboutbound.a src/ctl/libctl.a \
	src/conf/libconf.a src/net/libnet.a src/tls/libtls.a \
	src/cred/libcred.a src/queue/libqueue.a src/sys/libsys.a \
	src/fixup/libfixup.a src/smtp/libsmtp.a src/mail/libmail.a \
	src/base/libbase.a \
	$(UV_LIBS) $(GNUTLS_LIBS) $(GSASL_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) \
	$(IDN2_LIBS) -lpthread

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
	%reldir%/sendmail_submit.h \
	%reldir%/sendmail_wire.c \
	%reldir%/sendmail_wire.h
sendmail_LDADD = src/queue/libqueue.a src/mail/libmail.a src/smtp/libsmtp.a \
	src/sys/libsys.a src/base/libbase.a

# The other names of sendmail, each where its callers look for it.
install-exec-hook:
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	cd '$(DESTDIR)$(bindir)' && for name in mailq newaliases; do \
	    rm -f $$name && $(LN_S) '$(sbindir)/sendmail' $$name || exit 1; \
	done
uninstall-hook:
	cd '$(DESTDIR)$(bindir)' && rm -f mailq newaliases

# The only program that links GLib and D-Bus.
pkglibexec_PROGRAMS += relais-cred
relais_cred_CFLAGS = $(AM_CFLAGS) $(LIBSECRET_CFLAGS)
relais_cred_SOURCES = \
	%reldir%/relais-cred.c \
	%reldir%/keyring.c \
	%reldir%/keyring.h
relais_cred_LDADD = src/cred/libcred.a src/sys/libsys.a src/base/libbase.a $(LIBSECRET_LIBS)

# What relaisd answers on its control socket.
noinst_LIBRARIES += %reldir%/libcontrol.a
%canon_reldir%_libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libcontrol_a_SOURCES = \
	%reldir%/config_json.c \
	%reldir%/config_json.h \
	%reldir%/control.c \
	%reldir%/control.h

bin_PROGRAMS += relais
relais_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
relais_SOURCES = \
	%reldir%/cmd_aliases.c \
	%reldir%/cmd_config.c \
	%reldir%/cmd_delete.c \
	%reldir%/cmd_explain.c \
	%reldir%/cmd_flush.c \
	%reldir%/cmd_hold.c \
	%reldir%/cmd_queue.c \
	%reldir%/cmd_release.c \
	%reldir%/cmd_retry.c \
	%reldir%/cmd_rewrite.c \
	%reldir%/cmd_show.c \
	%reldir%/cmd_status.c \
	%reldir%/cmd_version.c \
	%reldir%/relais.c \
	%reldir%/relais.h \
	%reldir%/relais_change.c \
	%reldir%/relais_change.h \
	%reldir%/relais_conf.c \
	%reldir%/relais_conf.h \
	%reldir%/relais_spool.c \
	%reldir%/relais_spool.h \
	%reldir%/relais_table.c \
	%reldir%/relais_table.h
relais_LDADD = src/prog/libcontrol.a src/ctl/libctl.a src/conf/libconf.a \
	src/cred/libcred.a src/queue/libqueue.a src/fixup/libfixup.a src/smtp/libsmtp.a \
	src/mail/libmail.a \
	src/sys/libsys.a src/base/libbase.a $(INIH_LIBS) $(IDN2_LIBS) \
	$(JANSSON_LIBS)
