/* pool_loops_counted.c - the loops with the pool as the daemon has it (pool_loops.h). */
#define POOL_LOOPS_TABLE pool_loops_counted

#include "bench/pool_loops.inc"
