/* fault.h - what the program that makes calls fail (fault.c) and its library of allocations
 * (fault_alloc.c) share: a page of memory, mapped from the file that FAULT_PAGE_ENV names.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_PAGE_ENV "FAULT_PAGE"
/* prctl(FAULT_MARK) fails everywhere, and says that the program's own code begins. */
#define FAULT_MARK       0x66617573
#define FAULT_FRAMES_MAX 12
#define FAULT_SITES_MAX  65536

struct fault_site {
	uint64_t
		frames[FAULT_FRAMES_MAX]; /* return addresses, the innermost first, 0 behind them */
};

struct fault_page {
	/* Written by fault.c. */
	_Atomic uint32_t recording; /* whether sites are kept */
	_Atomic uint64_t fail_at;   /* number of the allocation that fails, from 1; 0: none */
	/* Written by the library, set to 0 by fault.c; relaxed, since nothing is told by them. */
	_Atomic uint64_t count;  /* allocations so far */
	_Atomic int64_t live;    /* never set: allocations of the program that were not freed */
	_Atomic uint32_t failed; /* 1 once the chosen one has failed; `site' is whose */
	struct fault_site site;
	struct fault_site sites[FAULT_SITES_MAX]; /* by number of the allocation - 1 */
};
