#!/bin/bash
# also: trains
# A unicast output that nobody answers for: its neighbours get everything, its losses are its own.
. "$(dirname "$0")/lib/story.sh"
story "an unresolvable destination harms no other output"
topo_line
# Its datagrams wait for an answer to ARP until its own send buffer is full.
relay_start --rcvbuf 64M --sndbuf 64K --rule "239.1.1.1%in0:5000 -> 10.77.2.77:6000,
    239.2.2.2%out0:6000, 10.77.2.2:6001, 10.77.2.2:6009"
recv_start group dst 239.2.2.2%d0:6000
recv_start good dst 10.77.2.2:6001
send src 239.1.1.1%s0:5000 --count 10000 --rate 5000
relay_stop
recv_clean group 10000
recv_clean good 10000
expect_cmp "drops of the output nobody answers for" \
    "$(reported '.rules[0].flows[0].outputs[0].drops.egress_full')" -gt 0
# Port 6009 has no listener: the host answers with ICMP errors, which must stop nothing either.
expect "offered to the closed port" "$(reported '.rules[0].flows[0].outputs[3].offered')" 10000
