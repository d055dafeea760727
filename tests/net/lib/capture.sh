# capture.sh - what a third party sees on the wire, by tshark. For stories that source story.sh.
# shellcheck shell=bash disable=SC2154

# background NAMESPACE ARGUMENT...: a slow sender that runs on while packets are captured, so that
# nobody needs to know when exactly the capture has begun.
background_pids=()
background() {
    local name=$1
    shift
    start_in "$name" "$probe" send --quiet --rate 100 --duration 600 "$@" \
        >"$work/background.out" 2>>"$work/background.log"
    background_pids+=("$started")
}

background_stop() {
    local pid
    for pid in "${background_pids[@]}"; do
        stop "$pid"
    done
    background_pids=()
}

# capture NAMESPACE IF FILTER COUNT: takes COUNT packets that match into $work/capture.pcap.
capture() {
    bounded ip netns exec "$(ns "$1")" tshark -q -i "$2" -f "$3" -c "$4" \
        -w "$work/capture.pcap" 2>"$work/tshark.log" || fail_now "tshark saw no $4 packets with $3"
    chmod a+r "$work/capture.pcap"
}

# captured PORT FIELD...: the fields of the captured packets to PORT; one line when all are alike.
captured() {
    local port=$1 fields=() field
    shift
    for field in "$@"; do
        fields+=(-e "$field")
    done
    tshark -r "$work/capture.pcap" -Y "udp.dstport == $port" -T fields "${fields[@]}" \
        2>/dev/null | tr '\t' ' ' | sort -u
}
