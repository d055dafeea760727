#!/bin/bash
# shellcheck disable=SC2034
# builds: plain
# engines: uring
# Calls of the relay that fail, one at a time: a part of `make sweep', by chance, in the time that
# SWEEP_S says. What the sweep asks of each is in tests/sweep/sweep.py.
. "$(dirname "$0")/lib/story.sh"
story "a call that fails is named, and leaves nothing behind"
[ -x "$build_top/tests/fake/fault" ] || skip "fault is not built (libseccomp-dev is missing)"
have addr2line || skip "addr2line is not installed (binutils)"
ns_add here
in_ns here python3 -B "$src_top/tests/sweep/sweep.py" --build "$build_top" \
    --seconds "${SWEEP_S:-25}" --case start-uring --case start-mmsg --case live-reload \
    --case live-add --case live-show --out "$work/sweep.txt" ||
    fail "a call that fails is not treated as it should be"
