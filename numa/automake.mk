noinst_LIBRARIES += numa/libnc-numa.a
numa_libnc_numa_a_CFLAGS = $(AM_CFLAGS) $(HWLOC_CFLAGS) $(NUMA_CFLAGS)
numa_libnc_numa_a_SOURCES = \
	numa/cpu_bits.c numa/cpu_bits.h \
	numa/hugepages.c numa/hugepages.h \
	numa/near.c numa/near.h \
	numa/nic.c numa/nic.h \
	numa/nic_irq.c numa/nic_irq.h \
	numa/nodemem.c numa/nodemem.h \
	numa/nodemem_text.c numa/nodemem_text.h \
	numa/pin.c numa/pin.h \
	numa/plan.c numa/plan.h \
	numa/plan_cpus.c numa/plan_cpus.h \
	numa/plan_heaps.c numa/plan_heaps.h \
	numa/plan_moves.c numa/plan_moves.h \
	numa/procmaps.c numa/procmaps.h \
	numa/sqpoll.c numa/sqpoll.h \
	numa/topo.h \
	numa/topo_find.c \
	numa/topo_flat.c numa/topo_flat.h \
	numa/topo_load.c \
	numa/topo_open.c numa/topo_open.h \
	numa/topo_read.c numa/topo_read.h \
	numa/topo_here.c numa/topo_here.h
NC_NUMA_LIBS = numa/libnc-numa.a src/base/libnc-base.a $(HWLOC_LIBS) $(NUMA_LIBS)
