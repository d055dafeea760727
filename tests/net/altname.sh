#!/bin/bash
# also: part-fast
# Alternative names of interfaces, long ones among them: they relay as the kernel's own names do,
# two names of one interface are found out, and the host check reads the right files.
. "$(dirname "$0")/lib/story.sh"
story "an interface is the same by each of its names"
topo_line
long=enp197s0f1np1-rack12-north-leaf2
in_ns mid ip link property add dev in0 altname enp3s0 altname "$long-in"
in_ns mid ip link property add dev out0 altname "$long-out"
relay_start --rule "239.1.1.1%enp3s0:5000 -> 239.2.2.2%$long-out:6000" \
    --rule "239.1.1.2%$long-in:5000 -> 239.2.2.3%out0:6000, 10.77.2.2%$long-out:6001"
recv_start one dst 239.2.2.2%d0:6000
recv_start two dst 239.2.2.3%d0:6000
recv_start three dst 10.77.2.2:6001
send src 239.1.1.1%s0:5000 --count 1000 --rate 5000
send src 239.1.1.2%s0:5000 --count 700 --rate 5000
relay_stop
recv_clean one 1000
recv_clean two 700
recv_clean three 700

relay_refuses 2 "already that of rule1" --rule "239.1.1.1%enp3s0:5000 -> 239.2.2.2%out0:6000" \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.3%out0:6000"
relay_refuses 2 "already that of rule1" --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000" \
    --rule "239.1.1.1%$long-in:5000 -> 239.2.2.3%out0:6000"
relay_refuses 2 "given twice" \
    --rule "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000, 239.2.2.2%$long-out:6000"
relay_refuses 2 "equals the ingress" --rule "239.1.1.1%in0:5000 -> 239.1.1.1%$long-in:5000"
relay_refuses 1 "$long-none does not exist" --strict \
    --rule "239.1.1.1%$long-none:5000 -> 239.2.2.2%out0:6000"

in_ns mid sysctl -qw net.ipv4.conf.in0.rp_filter=1
in_ns mid ip route del 10.77.1.0/24
in_ns mid "$daemon" --check-host --rule "239.1.1.1%$long-in:5000 -> 239.2.2.2%out0:6000" \
    >"$work/host.txt" 2>&1
expect_words "the host check reads the interface's own files" "$work/host.txt" \
    "net.ipv4.conf.in0.rp_filter"
