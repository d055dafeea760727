# shellcheck shell=dash disable=SC2034
# nodemem alone, before any daemon: each kind of page on each node, a node short of huge pages, a
# node without CPUs, one without memory and one that is not there, and pages moved behind its back.
title='one arena at a time: placement, shortage, misplacement'

machine() {
    cpus 6 sockets=3,cores=2,threads=1
    node 0 512 0-1
    node 1 256 2-3
    node 2 - 4-5
    node 3 192 -
}

# arena WORD... : runs the program, shows what it says, and keeps it for `said'.
arena() {
    nodemem_probe arena "$@" >/tmp/said 2>&1
    arena_status=$?
    sed 's/^/   /' /tmp/said
}

# said TEXT PATTERN...: every pattern is in what the last arena said.
said() {
    said_text=$1
    shift
    for pattern in "$@"; do
        if ! grep -qE -e "$pattern" /tmp/said; then
            fail "$said_text: '$pattern' is not in: $(tr '\n' ';' </tmp/said)"
            return
        fi
    done
    ok "$said_text: $(head -n 1 /tmp/said)"
}

every_kind_on_every_node() {
    huge_2m 0 8
    huge_2m 1 8
    huge_2m 3 8
    for place in '0 0' '2 1' '4 0' '1 3'; do
        node=${place#* }
        # shellcheck disable=SC2086
        arena $place 8388608 2M require
        said "2M on node $node from CPU ${place% *}" 'rc=0 got=2M degraded=no bound=yes' \
            'verified=yes .* pages=4 misplaced=0 bytes=8388608' '^note $'
        # shellcheck disable=SC2086
        arena $place 8388608 off any
        said "4K on node $node" 'rc=0 got=4k degraded=no bound=yes verified=yes' \
            'pages=2048 misplaced=0'
        # shellcheck disable=SC2086
        arena $place 8388608 thp any
        said "thp on node $node" 'rc=0 got=thp degraded=no bound=yes verified=yes' 'misplaced=0'
    done
}

shortage() {
    huge_2m 1 3
    arena 2 1 8388608 2M require
    expect 'status with too few pages on the node' $arena_status 1
    said 'too few pages on the node' 'rc=Cannot allocate memory mapped=no' \
        'err .*node 1 has 3 .*: echo 4 > /sys/devices/system/node/node1/hugepages/'
    arena 2 1 8388608 auto any
    said 'auto degrades and says so' 'rc=0 got=thp degraded=yes bound=yes verified=yes' \
        'misplaced=0' 'note .*echo 4 > /sys/devices/system/node/node1/hugepages/'
    expect 'pages of the failed attempts given back' \
        "$(cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages)" 3
    arena 2 1 8388608 1G require
    said '1 GiB pages there are none' 'rc=Cannot allocate memory mapped=no' 'err .*1 GiB'
    arena 4 3 268435456 off any
    said 'more than the node has' 'rc=Cannot allocate memory mapped=no' 'err node 3 can supply'
}

# Each of four finds room for itself, two of them fit, and the kernel must not be driven to kill.
room_for_two_of_four() {
    free_kb=$(sed -n 's/.*MemFree: *\([0-9]*\) kB/\1/p' /sys/devices/system/node/node3/meminfo)
    for kind in off thp; do
        nodemem_probe race 1 $((free_kb * 1024 * 2 / 5)) $kind 2:3 3:3 4:3 5:3 >/tmp/said
        said "two of four, $kind" '^race failed=2 misplaced=0$'
    done
}

wrong_nodes() {
    for node in 2 7; do
        arena 4 $node 8388608 auto any
        said "node $node has no memory" 'rc=Invalid argument mapped=no' \
            "err node $node: cannot bind memory"
    done
}

moved_behind_its_back() {
    huge_2m 1 8
    arena 0 0 8388608 2M require 1
    said 'huge pages moved away' 'moved rc=0 pages=4 misplaced=4'
    arena 0 0 1048576 off any 3
    said 'small pages moved away' 'moved rc=0 pages=256 misplaced=256'
    arena 0 -1 1048576 off any 3
    said 'bound to no node, moved' 'moved rc=0 pages=256 misplaced=0'
}

# Shards map their arenas while threads are started, whose stacks touch them and may be made of
# transparent huge pages.
born_together() {
    echo always >/sys/kernel/mm/transparent_hugepage/enabled
    nodemem_probe race 100 1146880 off 0:0 2:1 1:0 3:1 4:0 5:1 0:3 2:0 >/tmp/said
    said '800 arenas of small pages beside stacks' '^race failed=0 misplaced=0$'
    echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
}

# Compaction moves pages within their node, and has some of them in its hands at most moments.
compact_for_ever() {
    while :; do
        echo 1 >/proc/sys/vm/compact_memory
    done
}

born_amid_compaction() {
    compact_for_ever &
    compact_pid=$!
    nodemem_probe race 25 8388608 off 0:0 2:1 3:1 1:0 >/tmp/said
    kill $compact_pid
    wait $compact_pid
    said '100 arenas of small pages amid compaction' '^race failed=0 misplaced=0$'
}

guest() {
    every_kind_on_every_node
    shortage
    room_for_two_of_four
    wrong_nodes
    moved_behind_its_back
    born_together
    born_amid_compaction
}
