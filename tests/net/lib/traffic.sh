# traffic.sh - senders and receivers. Part of story.sh.
# shellcheck shell=bash disable=SC2154,SC2034

declare -A recv_pid recv_space

# send NAMESPACE ARGUMENT...: numacast-probe send, to its end; its JSON in $work/sent.json.
send() {
    local name=$1
    shift
    in_ns "$name" "$probe" send --quiet --json --no-loop "${send_extra[@]}" "$@" \
        >"$work/sent.json" 2>"$work/send.log" ||
        fail "numacast-probe send failed: $(tail -n 3 "$work/send.log")"
}

# sent EXPRESSION: a value of the last sender's result, by jq.
sent() {
    jq -r "$1" "$work/sent.json"
}

# recv_start NAME NAMESPACE ARGUMENT...: numacast-probe recv in the background, joined when this
# returns. It ends by recv_stop, or by its own conditions (--count, --duration, --idle).
recv_start() {
    local name=$1 space=$2
    shift 2
    : >"$work/$name.ready"
    start_in "$space" "$probe" recv --quiet --json --per-flow --ready-fd 3 "$@" \
        3>"$work/$name.ready" >"$work/$name.json" 2>"$work/$name.log"
    recv_pid[$name]=$started
    recv_space[$name]=$space
    wait_up "$started" test -s "$work/$name.ready" || fail_now "receiver $name does not start"
}

# recv_end NAME: waits for its end.
recv_end() {
    wait_for dead "${recv_pid[$1]}" || fail "receiver $1 does not end"
}

# recv_stop NAME: tells it to take what is queued and to end, and waits. What relays that run have
# been sent so far has reached it before.
recv_stop() {
    relay_settle
    wait_for drained "${recv_space[$1]}" || fail "receiver $1 does not take what is queued"
    kill -TERM "${recv_pid[$1]}" 2>/dev/null
    recv_end "$1"
}

# got NAME EXPRESSION: a value of a receiver's result, by jq.
got() {
    jq -r "$2" "$work/$1.json"
}

# last_got NAME FIELD: a field of each flow that the last sender sent, as a receiver saw it; one
# word when all are alike.
last_got() {
    jq -r --argjson session "$(sent .session)" \
        "[.flows[] | select(.session == \$session) | .$2] | unique | join(\" \")" \
        "$work/$1.json"
}

# out_of_order NAME: how many of a flow with one output came behind others that were sent after
# them, without those that the relay's last report counts as overtaken by its fast path.
out_of_order() {
    local overtaken found
    found=$(got "$1" .total.reordered)
    overtaken=$(reported '[.rules[].flows[].fast.overtaken // 0] | add')
    echo "out of order: $found, perhaps overtaken: $overtaken" >&2
    echo $((found > overtaken ? found - overtaken : 0))
}

# one_cpu: all that is started from here on shares one CPU. There are queues between namespaces for
# each, and nobody keeps order between what a shard sends from one CPU and the kernel relays on
# another: a story that looks at the order of a flow that goes to and fro needs this.
one_cpu() {
    taskset -pc "$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')" $$ >"$work/taskset.log"
}

# to_and_fro: of a story whose flows go between the kernel and a shard while they bring datagrams.
to_and_fro() {
    [ "$carried" = none ] || one_cpu
}

# recv_clean NAME COUNT: stopped, it has received COUNT datagrams, nothing lost, doubled or hurt.
recv_clean() {
    recv_stop "$1"
    local fields='[.received, .lost, .duplicated, .reordered, .corrupt, .cut]'
    expect "$1: received, lost, duplicated, reordered, corrupt, cut" \
        "$(got "$1" ".total | $fields | join(\" \")")" \
        "$2 0 0 0 0 0"
}
