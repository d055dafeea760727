# numacast-probe stands apart from the relay it measures: it links src/base and src/cli alone.
noinst_LIBRARIES += src/probe/libnc-probe.a
src_probe_libnc_probe_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_probe_libnc_probe_a_SOURCES = \
	src/probe/burst.c src/probe/burst.h \
	src/probe/frames.c src/probe/frames.h \
	src/probe/options.c src/probe/options.h \
	src/probe/options_check.c \
	src/probe/options_value.c src/probe/options_value.h \
	src/probe/print.c src/probe/print.h \
	src/probe/recv.c \
	src/probe/report.c src/probe/report.h \
	src/probe/run.c src/probe/run.h \
	src/probe/send.c \
	src/probe/sock.c \
	src/probe/stats.c src/probe/stats.h \
	src/probe/tally.c src/probe/tally.h \
	src/probe/target.c src/probe/target.h \
	src/probe/wire.c src/probe/wire.h
NC_PROBE_LIBS = src/probe/libnc-probe.a $(NC_CLI_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += src/numacast-probe
src_numacast_probe_SOURCES = src/probe/main.c
src_numacast_probe_LDADD = $(NC_PROBE_LIBS)
