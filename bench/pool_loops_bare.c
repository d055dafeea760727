/* pool_loops_bare.c - the loops without the pool's counters (pool_loops.h). */
#define POOL_METRICS     0
#define POOL_LOOPS_TABLE pool_loops_bare

#include "bench/pool_loops.inc"
