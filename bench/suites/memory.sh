# memory.sh - what remote memory costs: pool and relay, their memory on one node after another.
#
# Both run on processor 0 throughout, in pages of 4 KiB, so that nodes differ in nothing but their
# place. The pool walks 128 MiB, more than caches hold, and takes and drops one slot again and
# again, which caches do hold. The relay gets more than it can take, and nobody receives what it
# sends.
# What lies on the node is what belongs to the shard: buffers, counters, the rule table. Rings and
# socket buffers belong to the kernel, which takes them from the processor's own node. Both programs
# ask the kernel for the node of each page, and what is not where it should be is no result.
# shellcheck shell=bash disable=SC2034,SC2154

memory_suite() {
    local nodes near run node
    mapfile -t nodes < <(nodes_with_memory)
    near=$(near_node 0)
    if [ ${#nodes[@]} -lt 2 ]; then
        printf '\none memory node (%s): no memory is remote, there is nothing to compare\n' "$near"
        return
    fi
    if [ -n "$bench_node" ]; then
        mapfile -t nodes < <(printf '%s\n' "$near" "$bench_node" | sort -nu)
    fi
    raw=$out/memory-raw.csv
    echo "$raw_columns" >"$raw"
    echo run,node,walked_ns,hot_ns >"$out/memory-pool.csv"
    echo run,node,pages,misplaced >"$out/memory-pages.csv"
    for ((run = 1; run <= runs; run++)); do
        memory_pool "$run"
        for node in "${nodes[@]}"; do
            memory_relay "$run" "$node"
        done
    done
    memory_show "$near" "${nodes[@]}"
}

# memory_pool RUN: the program goes through all nodes by itself.
memory_pool() {
    local flags=()
    ! $quick || flags=(--quick)
    "$build/bench/pool_bench" --nodes --cpu 0 --csv "$work" "${flags[@]}" >"$work/pool_bench.txt" ||
        die "pool_bench fails"
    awk -v run="$1" 'NR > 1 { print run "," $0 }' "$work/pool_nodes.csv" >>"$out/memory-pool.csv"
}

memory_relay() {
    local bench_node=$2 input
    for input in singles trains; do
        load_set gso=40 receiver=none
        [ $input = trains ] || load_set gso=40 cut=on receiver=none
        rm -f "$work/report.json"
        measure memory-$input uring "$2" "$1" "uring:--huge off"
        [ ! -f "$work/report.json" ] || jq -r --arg run "$1" '.shards[] |
            "\($run),\(.node),\(.pages),\(.pages_misplaced)"' "$work/report.json" \
            >>"$out/memory-pages.csv"
    done
}

# memory_figures: every figure of every run as BENCH,NODE,VALUE.
memory_figures() {
    awk -F, 'NR > 1 && $3 != "n/a" {
        print "pool: 128 MiB walked; ns a slot," $2 "," $3
        print "pool: one slot; ns," $2 "," $4
    }' "$out/memory-pool.csv"
    awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    {
        relay = "relay: " ($at["table"] == "memory-trains" ? "trains" : "singles") "; "
        node = $at["param"]
        if ($at["relayed"] > 0) {
            print relay "CPU ns a datagram," node "," $at["relay_ns"] / $at["relayed"]
        }
        print relay "datagrams/s," node "," $at["received"] / $at["seconds"]
    }' "$raw"
}

# memory_show NEAR NODE...: medians by bench and node; of_local is their ratio to the near node's.
memory_show() {
    local near=$1 node csv=$out/memory.csv
    shift
    for node in "$@"; do
        echo "$node,$(node_distance "$(node_of 0)" "$node")"
    done >"$work/distances.csv"
    memory_figures | awk -F, -v near="$near" "$awk_median"'
    NR == FNR { nodes[++count] = $1; distance[$1] = $2; next }
    {
        if (!($1 in seen)) { seen[$1] = 1; benches[++bench_count] = $1 }
        list[$1, $2] = list[$1, $2] " " $3
    }
    END {
        print "bench,node,distance,memory,median,of_local"
        for (b = 1; b <= bench_count; b++) for (n = 1; n <= count; n++) {
            name = benches[b]; node = nodes[n]; value = median(list[name, node])
            printf "%s,%s,%s,%s,", name, node, distance[node], node == near ? "local" : "remote"
            if (value == "") print ","
            else printf (value < 1000 ? "%.4g,%.2f\n" : "%.0f,%.2f\n"), value,
                ratio(value, median(list[name, near]))
        }
    }' "$work/distances.csv" - >"$csv"
    printf '\nmemory on each node, used by processor 0 of node %s\n' "$(node_of 0)"
    print_csv <"$csv"
    printf "\npages of the relay's shard, by move_pages, all runs together\n"
    {
        echo node,pages,elsewhere
        awk -F, 'NR > 1 { pages[$2] += $3; wrong[$2] += $4 }
            END { for (n in pages) print n "," pages[n] "," wrong[n] }' "$out/memory-pages.csv" |
            sort -n
    } | print_csv
    matrix bench node of_local <"$csv" >"$out/memory-of-local.csv"
    plot_bars "$out/memory-of-local.csv" "memory by node, as a multiple of the near node's" ""
}
