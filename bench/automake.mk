# bench: programs and scripts that measure; bench.c is shared by all programs. `make bench' takes
# every measurement and compares; make bench BENCH_FLAGS='--quick relay' takes some (bench/run tells which
# there are). Needs root.
BENCH_FLAGS =
EXTRA_DIST += bench/run bench/answers.py bench/docs.py bench/figures.py bench/judge.py bench/waits.py \
	bench/lib bench/suites

NC_BENCH_COMMON = bench/bench.c bench/bench.h
NC_BENCHES =

NC_BENCHES += bench/pool_bench
bench_pool_bench_SOURCES = $(NC_BENCH_COMMON) \
	bench/malloc_loops.c \
	bench/pool_bench.c bench/pool_bench.h \
	bench/pool_bench_cost.c \
	bench/pool_bench_memory.c \
	bench/pool_loops.h bench/pool_loops.inc \
	bench/pool_loops_bare.c \
	bench/pool_loops_counted.c
# The counted and the bare loops differ by one constant, but code that lies differently in the cache
# of decoded instructions differs by a third: aligned, both lie alike.
bench_pool_bench_CFLAGS = $(AM_CFLAGS) -falign-loops=64
bench_pool_bench_LDADD = $(NC_SETUP_LIBS)

NC_BENCHES += bench/regbuf_bench
bench_regbuf_bench_SOURCES = $(NC_BENCH_COMMON) \
	bench/regbuf_bench.c bench/regbuf_bench.h \
	bench/regbuf_bench_io.c
bench_regbuf_bench_CFLAGS = $(AM_CFLAGS) $(URING_CFLAGS)
bench_regbuf_bench_LDADD = $(NC_SHARD_LIBS)

NC_BENCHES += bench/plan_bench
bench_plan_bench_SOURCES = $(NC_BENCH_COMMON) bench/plan_bench.c
bench_plan_bench_LDADD = $(NC_NUMA_LIBS)

NC_BENCHES += bench/ring_bench
bench_ring_bench_SOURCES = $(NC_BENCH_COMMON) \
	bench/ring_bench.c bench/ring_bench.h \
	bench/ring_bench_echo.c \
	bench/ring_bench_net.c \
	bench/ring_bench_raw.c
bench_ring_bench_CFLAGS = $(AM_CFLAGS) $(URING_CFLAGS)
bench_ring_bench_LDADD = $(NC_SHARD_LIBS)

NC_BENCHES += bench/floor_relay
bench_floor_relay_SOURCES = bench/floor_relay.c

noinst_PROGRAMS += $(NC_BENCHES)

.PHONY: bench
bench: all
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/bench/run $(BENCH_FLAGS)
