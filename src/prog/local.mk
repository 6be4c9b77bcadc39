sbin_PROGRAMS += relaisd
relaisd_SOURCES = %reldir%/relaisd.c %reldir%/daemon.c %reldir%/daemon.h
relaisd_LDADD = src/sys/libsys.a src/base/libbase.a
