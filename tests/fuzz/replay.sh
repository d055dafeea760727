#!/bin/bash
# Replays each fuzz target's corpus: tests/fuzz/fuzz_NAME over tests/fuzz/corpus/NAME.
set -u
src=${NC_SRCDIR:?run by make check}
build=${NC_BUILDDIR:?run by make check}
failed=0
replayed=0
for target in "$build"/tests/fuzz/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then
        continue
    fi
    name=${target##*/fuzz_}
    corpus=$src/tests/fuzz/corpus/$name
    echo "fuzz_$name:"
    if [ ! -d "$corpus" ]; then
        echo "  no corpus: $corpus is missing"
        failed=1
    elif ! "$target" "$corpus"; then
        failed=1
    fi
    replayed=$((replayed + 1))
done
if [ "$replayed" -eq 0 ]; then
    echo "no fuzz target is built"
    exit 77
fi
exit "$failed"
