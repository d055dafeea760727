# Unit tests of numa/, linked with its archive and those below.

UNIT_TESTS += tests/unit/numa/check_nodemem
tests_unit_numa_check_nodemem_SOURCES = tests/unit/numa/check_nodemem.c tests/unit/hugepool.h
tests_unit_numa_check_nodemem_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

if HAVE_SECCOMP
UNIT_TESTS += tests/unit/numa/check_nodemem_settle tests/unit/numa/check_nodemem_faults
endif
tests_unit_numa_check_nodemem_settle_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)
tests_unit_numa_check_nodemem_faults_SOURCES = tests/unit/numa/check_nodemem_faults.c \
	tests/unit/hugepool.h
tests_unit_numa_check_nodemem_faults_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_unit_numa_check_nodemem_faults_LDADD = $(NC_NUMA_LIBS) $(SECCOMP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_pin
tests_unit_numa_check_pin_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_nic
tests_unit_numa_check_nic_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_plan
tests_unit_numa_check_plan_SOURCES = tests/unit/numa/check_plan.c tests/unit/numa/plan_machine.h
tests_unit_numa_check_plan_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_topo
tests_unit_numa_check_topo_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_topo_flat
tests_unit_numa_check_topo_flat_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_topo_load
tests_unit_numa_check_topo_load_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)
tests_unit_numa_check_topo_load_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=topo_read,--wrap=poll

UNIT_TESTS += tests/unit/numa/check_plan_cpus
tests_unit_numa_check_plan_cpus_SOURCES = tests/unit/numa/check_plan_cpus.c \
	tests/unit/numa/plan_machine.h
tests_unit_numa_check_plan_cpus_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_sqpoll
tests_unit_numa_check_sqpoll_SOURCES = tests/unit/numa/check_sqpoll.c \
	tests/unit/numa/plan_machine.h
tests_unit_numa_check_sqpoll_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_hugepages
tests_unit_numa_check_hugepages_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_plan_props
tests_unit_numa_check_plan_props_SOURCES = tests/unit/numa/check_plan_props.c \
	tests/unit/numa/plan_random.h
tests_unit_numa_check_plan_props_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_nic_irq
tests_unit_numa_check_nic_irq_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_plan_moves
tests_unit_numa_check_plan_moves_SOURCES = tests/unit/numa/check_plan_moves.c \
	tests/unit/numa/plan_machine.h
tests_unit_numa_check_plan_moves_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/numa/check_near
tests_unit_numa_check_near_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)
