# shellcheck shell=dash disable=SC2034
# Node 1 has too few huge pages, which neither mmap nor mbind notices. The line that the refusal
# names must be the cure: it is run as it stands.
title='a node short of huge pages'

machine() {
    cpus 8 sockets=2,cores=4,threads=1
    node 0 384 0-3
    node 1 384 4-7
}

rule='239.1.1.0/28%lo:5000 -> 239.2.2.0/28%lo:6000'

# cure: runs the command that the last refusal named.
cure() {
    sed -nE 's/^.*(echo [0-9]+ > \/sys\/devices\/system\/node\/[^;]*).*$/\1/p' "$RELAY.log" |
        head -n 1 >/tmp/cure
    check "the refusal names a command: $(cat /tmp/cure)" [ -s /tmp/cure ]
    sh /tmp/cure
}

guest() {
    huge_2m 0 30
    huge_2m 1 5
    refuses '--require-huge on a node that is short' 1 \
        'node 1 has [0-9]+ .*huge pages of 2 MiB.*: echo [0-9]+ >' \
        --require-huge --rule "$rule"
    expect 'huge pages left on node 1' \
        "$(cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages)" 5
    if start_relay 'auto degrades' --rule "$rule"; then
        log_says 'and says so, with the cure' \
            'shard [0-9]+: .* instead of huge pages of 2 MiB: node 1 .* echo [0-9]+ >'
        check 'shards in smaller pages there are' [ "$(shards | grep -vc ' 2M ')" -ge 1 ]
        expect 'shards of node 0 in smaller pages' "$(shards | awk '$3 == 0 && $5 != "2M"')" ''
        check_memory
        stop_relay
        expect 'degraded shards of node 0, by the report' \
            "$(report '[.shards[] | select(.node == 0 and .huge_degraded)] | length')" 0
    fi
    refuses 'again, for the cure' 1 'echo [0-9]+ >' --require-huge --rule "$rule"
    cure
    if start_relay 'after the cure' --require-huge --rule "$rule"; then
        expect 'shards in smaller pages after the cure' "$(shards | awk '$5 != "2M"')" ''
        check_memory
        stop_relay
    fi
}
