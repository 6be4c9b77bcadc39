sbin_PROGRAMS += relaisd
relaisd_SOURCES = %reldir%/relaisd.c
relaisd_LDADD = src/sys/libsys.a src/base/libbase.a
