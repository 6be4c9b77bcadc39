# Measurements, never a pass or a fail; see doc/PERFORMANCE.
EXTRA_DIST += \
	%reldir%/bench.sh \
	%reldir%/peers.sh \
	%reldir%/run

bench_programs = \
	%reldir%/delay \
	%reldir%/fill \
	%reldir%/baseline \
	%reldir%/reaper \
	%reldir%/load \
	%reldir%/spawn
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)

%canon_reldir%_delay_SOURCES = %reldir%/delay.c
%canon_reldir%_delay_LDADD = $(RELAIS_LIBS)
%canon_reldir%_fill_SOURCES = %reldir%/fill.c
%canon_reldir%_fill_LDADD = $(RELAIS_LIBS)
%canon_reldir%_baseline_SOURCES = %reldir%/baseline.c
%canon_reldir%_baseline_LDADD =
%canon_reldir%_reaper_SOURCES = %reldir%/reaper.c
%canon_reldir%_reaper_LDADD =
%canon_reldir%_load_SOURCES = %reldir%/load.c
%canon_reldir%_load_LDADD = $(RELAIS_LIBS)
%canon_reldir%_spawn_SOURCES = %reldir%/spawn.c
%canon_reldir%_spawn_LDADD =

BENCH_ENV = srcdir='$(abs_srcdir)' top_builddir='$(abs_builddir)'
# Side by side with the others; BENCH="..." names rows.  Tables in bench.txt.
bench: all $(bench_programs)
	$(BENCH_ENV) $(srcdir)/tests/bench/run | tee bench.txt
QUICK = memory throughput sessions command arrival large syncs far queue drain
# relais alone against what the machine can do, in about two minutes.
bench-quick: all $(bench_programs)
	$(BENCH_ENV) BENCH_PEERS= ROUNDS=2 BENCH="$${BENCH:-$(QUICK)}" \
	    $(srcdir)/tests/bench/run | tee bench-quick.txt
CLEANFILES += bench.txt bench-quick.txt
# The tables of the last "make bench" become those of doc/PERFORMANCE.
bench-doc: bench.txt
	awk -v tables=bench.txt '/^The last tables$$/ { print; getline; print; \
	    print ""; while ((getline line <tables) > 0) print line; \
	    print "\n"; skip = 1 } /^How cost grows$$/ { skip = 0 } \
	    !skip' $(srcdir)/doc/PERFORMANCE >PERFORMANCE.new
	mv PERFORMANCE.new $(srcdir)/doc/PERFORMANCE
.PHONY: bench bench-doc bench-quick
