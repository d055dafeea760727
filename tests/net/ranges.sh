#!/bin/bash
# also: trains part-fast
# One rule for many flows: a prefix maps address by address, a port range port by port, the groups
# of a prefix become ports of one host, and ports become groups.
. "$(dirname "$0")/lib/story.sh"
story "ranges map address by address and port by port"
topo_line
relay_start \
    --rule "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000" \
    --rule "239.1.3.1%in0:5000-5010 -> 239.2.3.1%out0:6000-6010" \
    --rule "[ff15::10/124%in0]:5000 -> [ff15::20/124%out0]:6000" \
    --rule "239.1.4.0/24%in0:5000 -> [fd77:2::2]:7000-7255" \
    --rule "10.77.1.2:7000-7255 -> 239.2.4.0/24%out0:6000"
recv_start addresses dst 239.2.2.0/28%d0:6000
recv_start ports dst 239.2.3.1%d0:6000-6010
recv_start six dst "[ff15::20/124%d0]:6000"
recv_start groups dst 239.2.4.0/24%d0:6000
recv_start host dst "[fd77:2::2]:7000-7255"
send src 239.1.1.0/28%s0:5000 --count-per-flow 100 --rate 8000
send src 239.1.3.1%s0:5000-5010 --count-per-flow 100 --rate 8000
send src "[ff15::10/124%s0]:5000" --count-per-flow 100 --rate 8000
send src 239.1.4.0/24%s0:5000 --count-per-flow 8 --rate 8000
send src 10.77.1.2:7000-7255 --count-per-flow 8 --rate 8000
relay_stop
recv_clean addresses 1600
recv_clean ports 1100
recv_clean six 1600
recv_clean groups 2048
recv_clean host 2048

# misplaced NAME TARGET: flows of receiver NAME that are not at TARGET, a jq string in which .flow
# is the position of the sender's target, and hex(.flow) its hexadecimal digit.
misplaced() {
    got "$1" "def hex(i): \"0123456789abcdef\"[i:i + 1];
        [.flows[] | select(.target != \"$2\")] | length"
}

expect "addresses: misplaced flows" "$(misplaced addresses '239.2.2.\(.flow)%d0:6000')" 0
expect "ports: misplaced flows" "$(misplaced ports '239.2.3.1%d0:\(.flow + 6000)')" 0
expect "IPv6: misplaced flows" "$(misplaced six '[ff15::2\(hex(.flow))%d0]:6000')" 0
expect "groups: misplaced flows" "$(misplaced groups '239.2.4.\(.flow)%d0:6000')" 0
expect "host: misplaced flows" "$(misplaced host '[fd77:2::2]:\(.flow + 7000)')" 0
expect "flows" "$(reported '[.rules[].flows | length] | join(" ")')" "16 11 16 256 256"
