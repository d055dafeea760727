#!/bin/bash
# Discovery between two networks, as doc/DISCOVERY.md tells: Multicast DNS, by answers to all and by
# answers to who asked, and SSDP, whose answers go to who searched; the groups stay on their links.
# builds: plain
. "$(dirname "$0")/lib/story.sh"
story "what one network offers is found from the other"
topo_line
mdns=$src_top/tests/net/lib/mdns.py
ssdp=$src_top/tests/net/lib/ssdp.py
/usr/bin/python3 -c "import zeroconf" 2>"$work/import.log" || skip "python3-zeroconf is missing"

relay_start \
    --rule "224.0.0.251%in0:5353 link-local=yes -> 224.0.0.251%out0:5353 sport=5353 reply=yes" \
    --rule "224.0.0.251%out0:5353 link-local=yes -> 224.0.0.251%in0:5353 sport=5353 reply=yes" \
    --rule "239.255.255.250%in0:1900 link-local=yes -> 239.255.255.250%out0:1900 reply=yes" \
    --rule "[ff02::c%in0]:1900 link-local=yes -> [ff02::c%out0]:1900 reply=yes"

# offer NAME COMMAND...: a responder in dst, until it is ready.
offer() {
    local name=$1
    shift
    start_in dst /usr/bin/python3 "$@" >"$work/$name.out" 2>"$work/$name.log"
    wait_up "$started" grep -q ready "$work/$name.out" || fail_now "$name does not start"
}

# asked COMMAND...: what somebody in src found.
asked() {
    in_ns src /usr/bin/python3 "$@" 2>"$work/asked.log"
}

offer mdns "$mdns" register 10.77.2.2 printer
offer ssdp4 "$ssdp" respond 239.255.255.250 d0
offer ssdp6 "$ssdp" respond ff02::c d0
expect "the printer, by answers to all" "$(asked "$mdns" find 10.77.1.1 printer)" "10.77.2.2 4242"
expect "the printer, by an answer to who asked" \
    "$(asked "$mdns" ask-unicast 10.77.1.1 printer)" "answer from port 5353"
expect "searches that found the device, IPv4" "$(asked "$ssdp" search 239.255.255.250 s0 3)" 3
expect "searches that found the device, IPv6" "$(asked "$ssdp" search ff02::c s0 3)" 3
relay_stop
expect "kept out" "$(reported '.totals.drops.circled')" 0
relay_refuses 2 "write link-local=yes" \
    --rule "224.0.0.251%in0:5353 -> 224.0.0.251%out0:5353"
