sbin_PROGRAMS += relaisd
relaisd_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
relaisd_SOURCES = \
	%reldir%/admission.c \
	%reldir%/admission.h \
	%reldir%/alert_command.c \
	%reldir%/alert_command.h \
	%reldir%/alert_queue.c \
	%reldir%/alert_queue.h \
	%reldir%/attack.c \
	%reldir%/attack.h \
	%reldir%/background.c \
	%reldir%/background.h \
	%reldir%/confine.c \
	%reldir%/confine.h \
	%reldir%/daemon.c \
	%reldir%/daemon.h \
	%reldir%/offline.c \
	%reldir%/offline.h \
	%reldir%/errand.c \
	%reldir%/errand.h \
	%reldir%/keeper.c \
	%reldir%/keeper.h \
	%reldir%/line.c \
	%reldir%/line.h \
	%reldir%/link.c \
	%reldir%/link.h \
	%reldir%/relaisd.c \
	%reldir%/routing.c \
	%reldir%/routing.h \
	%reldir%/sharing.c \
	%reldir%/sharing.h \
	%reldir%/sockets.c \
	%reldir%/sockets.h \
	%reldir%/startup.c \
	%reldir%/startup.h \
	%reldir%/notifier.c \
	%reldir%/notifier.h \
	%reldir%/unapplied.c \
	%reldir%/unapplied.h \
	%reldir%/worker.c \
	%reldir%/worker.h \
	%reldir%/worker_impl.h \
	%reldir%/worker_queue.c
relaisd_LDADD = src/relaisd/libcontrol.a src/check/libcheck.a \
	src/inbound/libinbound.a src/outbound/liboutbound.a src/account/libaccount.a src/ctl/libctl.a \
	src/conf/libconf.a src/net/libnet.a src/tls/libtls.a \
	src/cred/libcred.a src/policy/libpolicy.a src/notice/libnotice.a src/queue/libqueue.a src/store/libstore.a src/sys/libsys.a \
	src/rewrite/librewrite.a src/sasl/libsasl.a src/smtp/libsmtp.a src/mail/libmail.a src/mime/libmime.a \
	src/base/libbase.a \
	$(UV_LIBS) $(SECCOMP_LIBS) $(GNUTLS_LIBS) $(GSASL_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) \
	$(IDN2_LIBS) -lpthread

# What relaisd answers on its control socket.
noinst_LIBRARIES += %reldir%/libcontrol.a
%canon_reldir%_libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libcontrol_a_SOURCES = \
	%reldir%/control.c \
	%reldir%/control.h \
	%reldir%/control_change.c \
	%reldir%/control_check.c \
	%reldir%/control_check.h \
	%reldir%/control_core.h \
	%reldir%/store_query.c \
	%reldir%/store_query.h \
	%reldir%/control_list.c \
	%reldir%/control_log.c \
	%reldir%/control_log.h \
	%reldir%/control_show.c \
	%reldir%/inbound_hooks.c \
	%reldir%/inbound_hooks.h \
	%reldir%/recorder.c \
	%reldir%/recorder.h \
	%reldir%/control_login.c \
	%reldir%/control_login.h
