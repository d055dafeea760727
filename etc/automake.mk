# etc
EXTRA_DIST += etc/setup quickstart run-tests .ci
