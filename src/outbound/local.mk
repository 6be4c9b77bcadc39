noinst_LIBRARIES += %reldir%/liboutbound.a
%canon_reldir%_liboutbound_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_liboutbound_a_SOURCES = \
	%reldir%/answers.c \
	%reldir%/answers.h \
	%reldir%/courier.c \
	%reldir%/courier.h \
	%reldir%/courier_end.c \
	%reldir%/courier_impl.h \
	%reldir%/courier_login.c \
	%reldir%/courier_login.h \
	%reldir%/courier_silence.c \
	%reldir%/delivery.c \
	%reldir%/delivery.h \
	%reldir%/delivery_end.c \
	%reldir%/delivery_impl.h \
	%reldir%/derive.c \
	%reldir%/derive.h \
	%reldir%/dispatch.c \
	%reldir%/dispatch.h \
	%reldir%/login.c \
	%reldir%/login.h \
	%reldir%/null_sender.c \
	%reldir%/null_sender.h \
	%reldir%/outbound.c \
	%reldir%/outbound.h \
	%reldir%/pool.c \
	%reldir%/pool.h \
	%reldir%/reuse.c \
	%reldir%/reuse.h \
	%reldir%/wire.c \
	%reldir%/wire.h
