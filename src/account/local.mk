noinst_LIBRARIES += %reldir%/libaccount.a
%canon_reldir%_libaccount_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libaccount_a_SOURCES = \
	%reldir%/account.c \
	%reldir%/account.h \
	%reldir%/account_heard.c \
	%reldir%/account_impl.h \
	%reldir%/account_opts.c \
	%reldir%/account_opts.h \
	%reldir%/account_record.c \
	%reldir%/account_shared.c \
	%reldir%/account_standing.c \
	%reldir%/accounts.c \
	%reldir%/accounts.h \
	%reldir%/carry.c \
	%reldir%/carry.h \
	%reldir%/fetch.c \
	%reldir%/fetch.h \
	%reldir%/learnt.c \
	%reldir%/learnt.h \
	%reldir%/login_mark.c \
	%reldir%/login_mark.h \
	%reldir%/port_memory.c \
	%reldir%/port_memory.h \
	%reldir%/reservation.c \
	%reldir%/reservation.h \
	%reldir%/share.c \
	%reldir%/share.h \
	%reldir%/standing.c \
	%reldir%/standing.h \
	%reldir%/token.c \
	%reldir%/token.h
