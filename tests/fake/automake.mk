# Hosts and libraries that are made to misbehave, for the network stories.
check_PROGRAMS += tests/fake/malloc_count.so
tests_fake_malloc_count_so_SOURCES = tests/fake/malloc_count.c
tests_fake_malloc_count_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_fake_malloc_count_so_LDFLAGS = -shared
tests_fake_malloc_count_so_LDADD = -ldl

check_PROGRAMS += tests/fake/malloc_live.so
tests_fake_malloc_live_so_SOURCES = tests/fake/malloc_live.c
tests_fake_malloc_live_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_fake_malloc_live_so_LDFLAGS = -shared

check_PROGRAMS += tests/fake/clock_shift.so
tests_fake_clock_shift_so_SOURCES = tests/fake/clock_shift.c
tests_fake_clock_shift_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_fake_clock_shift_so_LDFLAGS = -shared
tests_fake_clock_shift_so_LDADD = -ldl

check_PROGRAMS += tests/fake/fault_alloc.so
tests_fake_fault_alloc_so_SOURCES = tests/fake/fault_alloc.c
tests_fake_fault_alloc_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_fake_fault_alloc_so_LDFLAGS = -shared

check_PROGRAMS += tests/fake/intruder.so
tests_fake_intruder_so_SOURCES = tests/fake/intruder.c
tests_fake_intruder_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_fake_intruder_so_LDFLAGS = -shared
tests_fake_intruder_so_LDADD = -ldl

if HAVE_SECCOMP
check_PROGRAMS += tests/fake/fault
tests_fake_fault_SOURCES = tests/fake/fault.c tests/fake/fault.h tests/fake/fault_call.c \
	tests/fake/fault_call.h
tests_fake_fault_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_fake_fault_LDADD = $(SECCOMP_LIBS)

check_PROGRAMS += tests/fake/deny
tests_fake_deny_SOURCES = tests/fake/deny.c
tests_fake_deny_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_fake_deny_LDADD = $(SECCOMP_LIBS)
endif
