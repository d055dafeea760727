noinst_LIBRARIES += numa/libnc-numa.a
numa_libnc_numa_a_CFLAGS = $(AM_CFLAGS) $(HWLOC_CFLAGS) $(NUMA_CFLAGS)
numa_libnc_numa_a_SOURCES = \
	numa/nic.c numa/nic.h \
	numa/nodemem.c numa/nodemem.h \
	numa/pin.c numa/pin.h \
	numa/plan.c numa/plan.h \
	numa/topo.c numa/topo.h
NC_NUMA_LIBS = numa/libnc-numa.a src/base/libnc-base.a $(HWLOC_LIBS) $(NUMA_LIBS)
