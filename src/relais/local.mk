bin_PROGRAMS += relais
relais_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
relais_SOURCES = \
	%reldir%/cmd_aliases.c \
	%reldir%/cmd_check.c \
	%reldir%/cmd_config.c \
	%reldir%/cmd_delete.c \
	%reldir%/cmd_explain.c \
	%reldir%/cmd_flush.c \
	%reldir%/cmd_hold.c \
	%reldir%/cmd_import.c \
	%reldir%/cmd_log.c \
	%reldir%/cmd_login.c \
	%reldir%/cmd_metrics.c \
	%reldir%/cmd_nodes.c \
	%reldir%/cmd_passwd.c \
	%reldir%/cmd_providers.c \
	%reldir%/cmd_queue.c \
	%reldir%/cmd_release.c \
	%reldir%/cmd_reload.c \
	%reldir%/cmd_retry.c \
	%reldir%/cmd_rewrite.c \
	%reldir%/cmd_setup.c \
	%reldir%/cmd_show.c \
	%reldir%/cmd_status.c \
	%reldir%/cmd_stop.c \
	%reldir%/cmd_store.c \
	%reldir%/cmd_version.c \
	%reldir%/relais.c \
	%reldir%/relais.h \
	%reldir%/relais_change.c \
	%reldir%/relais_change.h \
	%reldir%/relais_conf.c \
	%reldir%/relais_conf.h \
	%reldir%/relais_ids.c \
	%reldir%/relais_ids.h \
	%reldir%/relais_move.c \
	%reldir%/relais_move.h \
	%reldir%/relais_outcome.c \
	%reldir%/relais_outcome.h \
	%reldir%/relais_shared.c \
	%reldir%/relais_shared.h \
	%reldir%/relais_spool.c \
	%reldir%/relais_spool.h \
	%reldir%/relais_table.c \
	%reldir%/relais_table.h
relais_LDADD = src/check/libcheck.a src/account/libaccount.a src/ctl/libctl.a src/conf/libconf.a \
	src/cred/libcred.a src/queue/libqueue.a src/store/libstore.a src/rewrite/librewrite.a src/smtp/libsmtp.a \
	src/mail/libmail.a src/mime/libmime.a \
	src/sys/libsys.a src/base/libbase.a $(INIH_LIBS) $(IDN2_LIBS) \
	$(JANSSON_LIBS)
