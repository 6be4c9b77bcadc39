# Measurements, never a pass or a fail; see doc/PERFORMANCE.
EXTRA_DIST += %reldir%/memory.sh
bench-memory: all $(check_PROGRAMS)
	srcdir='$(abs_srcdir)' top_builddir='$(abs_builddir)' \
	    $(srcdir)/tests/bench/memory.sh
.PHONY: bench-memory
