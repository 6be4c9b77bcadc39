noinst_LIBRARIES += %reldir%/liboutbound.a
%canon_reldir%_liboutbound_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_liboutbound_a_SOURCES = \
	%reldir%/content.c \
	%reldir%/content.h \
	%reldir%/courier.c \
	%reldir%/courier.h \
	%reldir%/delivery.c \
	%reldir%/delivery.h \
	%reldir%/derive.c \
	%reldir%/derive.h \
	%reldir%/login.c \
	%reldir%/login.h \
	%reldir%/outbound.c \
	%reldir%/outbound.h \
	%reldir%/pool.c \
	%reldir%/pool.h
