# What other mail programs' configurations say.
noinst_LIBRARIES += %reldir%/libimport.a
%canon_reldir%_libimport_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libimport_a_SOURCES = \
	%reldir%/import.c \
	%reldir%/import.h \
	%reldir%/import_conf.c \
	%reldir%/import_dma.c \
	%reldir%/import_exim.c \
	%reldir%/import_msmtp.c \
	%reldir%/import_nullmailer.c \
	%reldir%/import_postfix.c \
	%reldir%/import_ssmtp.c
