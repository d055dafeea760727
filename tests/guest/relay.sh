# relay.sh - runs numacastd in a guest and asks the kernel whether what it says is true.
#
# Sourced by guest.sh. One daemon at a time; its files: $RELAY.log, $RELAY.json (the exit report).
# The start-up line of a shard is the daemon's claim; /proc/PID and move_pages are the proof.
# shellcheck shell=dash disable=SC2034,SC2154
RELAY=/tmp/relay
RELAY_PID=
ENGINES='uring mmsg'

# ---- start and end ---------------------------------------------------------

# start_relay TEXT OPTION...: starts the daemon and waits until it is ready; 1 when it is not.
start_relay() {
    relay_text=$1
    shift
    rm -f $RELAY.json
    : >$RELAY.log
    start numacastd "$@" --exit-report $RELAY.json 2>$RELAY.log
    RELAY_PID=$started
    if wait_ready "$RELAY_PID" $RELAY.log; then
        ok "$relay_text: ready"
        return 0
    fi
    fail "$relay_text: not ready: $(tail -n 3 $RELAY.log | tr '\n' ';')"
    stop "$RELAY_PID"
    return 1
}

# stop_relay: ends it as systemd would and checks that its books balance.
stop_relay() {
    stop "$RELAY_PID"
    expect 'exit status after SIGTERM' $? 0
    sed 's/^/   /' $RELAY.log
    expect 'sums of the exit report agree' "$(report .consistent)" true
    expect 'refused system calls' "$(report .refused_calls)" 0
}

# report FILTER: asks the exit report with jq; the answer on one line.
report() {
    jq -r "$1" $RELAY.json | tr '\n' ' ' | sed 's/ $//'
}

# refuses TEXT STATUS PATTERN OPTION...: the daemon ends with STATUS and says PATTERN.
refuses() {
    refuses_text=$1
    refuses_want=$2
    refuses_pattern=$3
    shift 3
    bounded numacastd "$@" 2>$RELAY.log
    expect "exit status, $refuses_text" $? "$refuses_want"
    log_says "$refuses_text" "$refuses_pattern"
}

# log_says TEXT PATTERN: the log has a line like that.
log_says() {
    if grep -qE -e "$2" $RELAY.log; then
        ok "$1: $(grep -E -m 1 -e "$2" $RELAY.log)"
    else
        fail "$1: '$2' is not in: $(tr '\n' ';' <$RELAY.log)"
    fi
}

log_has() {
    grep -qE -e "$1" $RELAY.log
}

# log_lines PATTERN: how many there are.
log_lines() {
    grep -cE -e "$1" $RELAY.log
}

# ---- claims ----------------------------------------------------------------

# shards: the start-up lines as "SHARD CPU NODE BYTES PAGES VERDICT FLOWS", one a line.
shards() {
    shard_line='shard ([0-9]+): cpu ([0-9]+), node ([a-z0-9]+), ([0-9]+) bytes in (.*) pages,'
    shard_line="$shard_line ([a-zA-Z]+), ([0-9]+) flows"
    sed -nE "s/^.*$shard_line.*\$/\\1 \\2 \\3 \\4 \\5 \\6 \\7/p" $RELAY.log
}

# shard_cpus: the CPUs in the order of the shards, "2 4 6".
shard_cpus() {
    shards | awk '{ printf "%s%s", sep, $2; sep = " " }'
}

# flows_on NODE: how many flows are owned by shards whose CPU is in NODE.
flows_on() {
    flows_on_sum=0
    for flows_on_pair in $(shards | awk '{ print $2 ":" $7 }'); do
        if [ -e "/sys/devices/system/node/node$1/cpu${flows_on_pair%:*}" ]; then
            flows_on_sum=$((flows_on_sum + ${flows_on_pair#*:}))
        fi
    done
    echo $flows_on_sum
}

# ---- proofs ----------------------------------------------------------------

# check_threads: every shard's thread may run on its CPU only, and does.
check_threads() {
    shards >/tmp/shards
    while read -r shard cpu rest; do
        task=/proc/$RELAY_PID/task/$(thread_named "shard-$shard")
        expect "shard $shard: CPUs allowed" \
            "$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' "$task/status")" "$cpu"
        expect "shard $shard: CPU it runs on" \
            "$(sed 's/.*) //' "$task/stat" | cut -d ' ' -f 37)" "$cpu"
    done </tmp/shards
}

# thread_named NAME: its thread id.
thread_named() {
    for thread_dir in "/proc/$RELAY_PID/task"/*; do
        if [ "$(cat "$thread_dir/comm")" = "$1" ]; then
            echo "${thread_dir##*/}"
            return
        fi
    done
}

# claimed_memory: "NODE BYTES" for each node, by the start-up lines.
claimed_memory() {
    shards | awk '{ sum[$3] += $4 } END { for (node in sum) print node, sum[node] }' | sort -n
}

# bound_ranges: "START END PAGE_BYTES NODE" of the memory that is bound to one node.
bound_ranges() {
    awk '
        NR == FNR { split($1, ends, "-"); end_of[ends[1]] = ends[2]; next }
        $2 ~ /^bind:[0-9]+$/ && match($0, /kernelpagesize_kB=[0-9]+/) {
            print $1, end_of[$1], substr($0, RSTART + 18, RLENGTH - 18) * 1024, substr($2, 6)
        }' "/proc/$RELAY_PID/maps" "/proc/$RELAY_PID/numa_maps"
}

# mapped_memory: like claimed_memory, by numa_maps: pages bound to NODE that are on NODE; a page
# that is elsewhere makes a line "stray ...".
mapped_memory() {
    awk '
        $2 ~ /^bind:/ {
            match($0, /kernelpagesize_kB=[0-9]+/)
            page = substr($0, RSTART + 18, RLENGTH - 18) * 1024
            for (i = 3; i <= NF; i++) {
                if ($i ~ /^N[0-9]+=/) {
                    split(substr($i, 2), at, "=")
                    if ($2 == "bind:" at[1]) sum[at[1]] += at[2] * page
                    else print "stray", $0
                }
            }
        }
        END { for (node in sum) print node, sum[node] }' "/proc/$RELAY_PID/numa_maps" | sort -n
}

# asked_memory: the same by move_pages; a line "stray ..." tells the mapping too.
asked_memory() {
    bound_ranges | while read -r start end page node; do
        nodemem_probe pages "$RELAY_PID" "$start" "$end" "$page" |
            sed "s/^/$node $page /; s/\$/ in $start-$end/"
    done | awk '
        { split($3, at, "=") }
        at[1] == "N" $1 { sum[$1] += at[2] * $2; next }
        { print "stray", $0 }
        END { for (node in sum) print node, sum[node] }' | sort -n
}

# check_memory: every byte of every shard is on the node that the shard claims.
check_memory() {
    memory=$(claimed_memory)
    memory_equals 'memory by node, claims against numa_maps' mapped_memory
    memory_equals 'memory by node, claims against move_pages' asked_memory
    expect 'shards whose memory is not verified' "$(shards | awk '$6 != "verified"')" ''
}

# memory_equals TEXT COMMAND: what COMMAND prints is $memory. A page that the kernel is just moving
# (compaction does, within the node) is nowhere for a moment: then it is asked again, five times at
# most. When they stay different, the mappings and their pages are handed out of the guest.
memory_equals() {
    for memory_try in 1 2 3 4 5; do
        memory_is=$($2)
        [ "$memory_is" != "$memory" ] || break
        sleep 0.2
    done
    expect "$1" "$memory_is" "$memory"
    if [ "$memory_is" != "$memory" ]; then
        give "/proc/$RELAY_PID/maps" maps
        give "/proc/$RELAY_PID/numa_maps" numa_maps
    fi
}

# check_local: every shard's CPU is on the node of its memory.
check_local() {
    shards >/tmp/shards
    while read -r shard cpu node rest; do
        check "shard $shard: CPU $cpu is on node $node" \
            [ -e "/sys/devices/system/node/node$node/cpu$cpu" ]
    done </tmp/shards
}

# ---- traffic ---------------------------------------------------------------

# wire NAME IFACE ADDRESS: puts IFACE into a new namespace NAME, with an address, up.
wire() {
    [ -e "/run/netns/$1" ] || ns_add "$1"
    ip link set "$2" netns "$1"
    in_ns "$1" ip address add "$3" dev "$2"
    in_ns "$1" ip link set "$2" up
}

# veth IFACE ADDRESS NAME PEER PEER_ADDRESS: a pair, one end here, the other in namespace NAME.
veth() {
    ip link add "$1" type veth peer name "$4"
    plug "$1" "$2"
    wire "$3" "$4" "$5"
}

# plug IFACE ADDRESS: an address, up.
plug() {
    ip address add "$2" dev "$1"
    ip link set "$1" up
}

# exactly_once TEXT GROUPS EACH SENDER... -- RECEIVER...: sends EACH datagrams in each of GROUPS
# flows from namespace $FROM (SENDER: more options and the target) to $TO and counts what comes out.
# With the five end markers of each flow at most 1000, see nic in machine.sh. Each CPU has a queue
# between namespaces, so a sender that moves to another one on a busy machine may overtake itself:
# where it sends for long, SENDER_ON is a command that keeps it where it is. once_order=any: so may
# the relay's shards, where they are not pinned, and no order is asked for.
FROM=tx
TO=rx
SENDER_ON=
once_order=
exactly_once() {
    once_text=$1
    once_groups=$2
    once_each=$3
    shift 3
    once_send=
    while [ "$1" != -- ]; do
        once_send="$once_send $1"
        shift
    done
    shift
    rm -f /tmp/recv.ready
    in_ns "$TO" numacast-probe recv --json --quiet --until-end --duration 240 \
        --groups "$once_groups" --expect-flows "$once_groups" --expect-per-flow "$once_each" \
        --ready-fd 3 "$@" >/tmp/recv.json 2>/tmp/recv.log 3>/tmp/recv.ready &
    once_pid=$!
    wait_up $once_pid [ -s /tmp/recv.ready ] || fail "$once_text: receiver: $(cat /tmp/recv.log)"
    # shellcheck disable=SC2086
    if ! in_ns "$FROM" $SENDER_ON numacast-probe send --json --quiet --end-marker \
        --groups "$once_groups" --count-per-flow "$once_each" $once_send \
        >/tmp/send.json 2>/tmp/send.log; then
        fail "$once_text: sender: $(cat /tmp/send.log)"
    fi
    wait $once_pid
    once_seen=$(jq -r '.total |
        "\(.received) \(.lost) \(.duplicated) \(.reordered) \(.corrupt)"' /tmp/recv.json)
    [ "$once_order" != any ] || once_seen=$(echo "$once_seen" | awk '{ $4 = 0; print }')
    expect "$once_text: received lost duplicated reordered corrupt" "$once_seen" \
        "$((once_groups * once_each)) 0 0 0 0"
}
