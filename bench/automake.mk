# bench: programs that measure; `make bench' builds and runs them. bench.c is shared by all.
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
bench_pool_bench_LDADD = $(NC_SRC_LIBS)

noinst_PROGRAMS += $(NC_BENCHES)

.PHONY: bench
bench: $(NC_BENCHES)
	set -e; for program in $(NC_BENCHES); do ./$$program; done
