# shellcheck shell=dash disable=SC2016,SC2034
# What somebody with two sockets would do to learn what remote memory costs: one command. The times
# of an emulated machine mean nothing; that everything ran, and where the memory was, does.
title='bench/run memory: pool and relay with their memory on each node'

machine() {
    cpus 4 sockets=2,cores=2,threads=1
    node 0 640 0-1
    node 1 640 2-3
}

# bench OPTION...: runs bench/run on the build tree's programs, its tables to /tmp/out.
bench() {
    NC_BUILDDIR=/tmp/build bash /bench/run --out /tmp/out "$@"
}

build_tree() {
    mkdir -p /tmp/build/src /tmp/build/bench
    ln -s /bin/numacastd /bin/numacast-probe /tmp/build/src/
    ln -s /bin/pool_bench /tmp/build/bench/
}

# watch_pages: until /tmp/measured is there, writes "PROGRAM bind:NODE N0=PAGES ..." for each bound
# mapping of the programs measured, by numa_maps.
watch_pages() {
    while [ ! -e /tmp/measured ]; do
        for program in numacastd pool_bench; do
            for process in $(pidof $program); do
                awk -v program=$program '$2 ~ /^bind:/ {
                    line = program " " $2
                    for (i = 3; i <= NF; i++) if ($i ~ /^N[0-9]+=/) line = line " " $i
                    print line
                }' "/proc/$process/numa_maps" 2>/dev/null
            done
        done >>/tmp/pages
        sleep 0.1
    done
}

# pages_were PROGRAM NODE PAGES: at some look so many at least were on that node, and at no look any
# that is bound there was elsewhere. Whoever looks may find the pool half populated.
pages_were() {
    expect "$1, memory on node $2: pages elsewhere" "$(grep "^$1 bind:$2 " /tmp/pages |
        sed "s/ N$2=[0-9]*//; s/^$1 bind:$2//" | sort -u | tr -d '\n')" ''
    most=$(sed -n "s/^$1 bind:$2 N$2=\\([0-9]*\\)\$/\\1/p" /tmp/pages | sort -n | tail -n 1)
    check "$1: $most pages seen on node $2" [ "${most:-0}" -ge "$3" ]
}

# row BENCH NODE MEMORY: the table has it, with a figure and a ratio above 0.
row() {
    found=$(awk -F, -v bench="$1" -v node="$2" -v memory="$3" '
        $1 == bench && $2 == node && $4 == memory && $5 > 0 && $6 > 0' /tmp/out/memory.csv)
    check "table: $1, node $2, $3: $found" [ -n "$found" ]
}

guest() {
    build_tree
    watch_pages &
    bench --quick memory >/tmp/table 2>/tmp/bench.log
    expect 'exit status of bench/run' $? 0
    touch /tmp/measured
    wait
    cat /tmp/bench.log /tmp/table
    give /tmp/table
    give /tmp/bench.log
    for what in 'pool: 128 MiB walked; ns a slot' 'pool: one slot; ns' \
        'relay: singles; CPU ns a datagram' 'relay: singles; datagrams/s' \
        'relay: trains; CPU ns a datagram' 'relay: trains; datagrams/s'; do
        row "$what" 0 local
        row "$what" 1 remote
    done
    expect 'pages of the relay that were elsewhere' \
        "$(awk -F, 'NR > 1 { wrong[$2] += $4 } END { print wrong[0], wrong[1] }' \
            /tmp/out/memory-pages.csv)" '0 0'
    for node in 0 1; do
        pages_were numacastd $node 1900
        pages_were pool_bench $node 1000
    done
    bench --bench-node 2 relay 2>/tmp/bench.log
    expect 'exit status for a node that is not there' $? 2
    check 'it says which there are' grep -q 'expected a node with memory .*: 0 1$' /tmp/bench.log
}
