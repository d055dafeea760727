# Machines as data: run.sh compares the plan for each with the one that is expected.
EXTRA_DIST += tests/topologies
TESTS += tests/topologies/run.sh
