# shellcheck shell=dash disable=SC2034
# The two ring engines on the oldest kernel: io_uring of Linux 6.1 has no min_wait, another order of
# completions, gives back registered files late, and copies earlier. The unit tests of the engines,
# whole.
title='both ring engines on the oldest kernel'

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 768 0-1
}

guest() {
    # Emulated CPUs are slow; the default would be 4 s for a test.
    export CK_DEFAULT_TIMEOUT=600 CK_VERBOSITY=normal
    for suite in check_ring check_ring_recv check_ring_send check_ring_fault check_ring_random \
        check_ring_zc; do
        if "$suite" >/tmp/said 2>&1; then
            ok "$(tail -n 1 /tmp/said) ($suite)"
        else
            while read -r line; do
                fail "$suite: $line"
            done </tmp/said
        fi
    done
}
