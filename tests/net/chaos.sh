#!/bin/bash
# builds: plain
# Whatever happens to a relay, in whatever order, nothing is doubled or out of order, what is lost
# has a name, and in the end all is whole: links go down, processes and shards stand still, are
# killed and started again, rules are reloaded and moved, floods come, the clock is set. The seeds
# are always the same here; tests/chaos/run draws others, and longer.
# CHAOS="SEED SECONDS [MODE]" bash tests/net/chaos.sh: that one alone.
. "$(dirname "$0")/lib/story.sh"
. "$(dirname "$0")/../chaos/chaos.sh"
story "chaos by a seed"
chaos_topo
if [ -n "${CHAOS:-}" ]; then
    # shellcheck disable=SC2086 # it is words
    chaos $CHAOS
    exit
fi
if [ "$ENGINE" = uring ]; then
    chaos 1 4 orderly
    chaos 3 4
else
    chaos 2 4 kill
    chaos 4 4
fi
