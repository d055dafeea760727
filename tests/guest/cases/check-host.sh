# shellcheck shell=dash disable=SC2034,SC2086
# What only a machine with two sockets can show of --check-host: huge pages by node, interrupts on
# the wrong one, NUMA balancing, a cpuset without the NIC's node. Each printed cure is run as it
# stands, and the same finding must then be ok. Root has every capability here, so that limits can
# be raised as well.
title='the host check on two sockets, the NIC on the second'

machine() {
    cpus 4 sockets=2,cores=2,threads=1
    node 0 384 0-1
    node 1 384 2-3
    nic in0 1 0
    nic tx0 - 0
}

rule='239.1.1.0/29%in0:5000 -> 239.2.2.0/29%out0:6000'

# look OPTION...: asks, by way of $wrapper.
wrapper=
look() {
    $wrapper numacastd --check-host --json --rule "$rule" "$@" >/tmp/check.json
    look_status=$?
}

# found ID SUBJECT MEMBER
found() {
    jq -r --arg id "$1" --arg subject "$2" \
        ".findings[] | select(.id == \$id and (.subject // \"\") == \$subject) | .$3 // \"\"" \
        /tmp/check.json
}

is_level() {
    expect "$1 $2: $(found "$1" "$2" value)" "$(found "$1" "$2" level)" "$3"
}

# cured ID SUBJECT LEVEL OPTION...: that level, then the cure, then ok.
cured() {
    cured_id=$1
    cured_subject=$2
    look_level=$3
    shift 3
    look "$@"
    is_level "$cured_id" "$cured_subject" "$look_level"
    found "$cured_id" "$cured_subject" cure >/tmp/cure
    note "cure: $(cat /tmp/cure)"
    sh /tmp/cure
    look "$@"
    is_level "$cured_id" "$cured_subject" ok
}

huge_pages_cured() {
    huge_2m 0 40
    huge_2m 1 3
    cured huge_pages 'node 1' warn
    is_level huge_pages 'node 0' ok
    huge_2m 1 3
    look --require-huge
    expect 'exit status with --require-huge' $look_status 1
    cured huge_pages 'node 1' fail --require-huge
    start_relay 'with the pages that the check asked for' --require-huge --rule "$rule" &&
        stop_relay
    huge_2m 1 3
    # As numacast-hugepages.service does it: as root, but without any capability.
    numacastd --plan=hugepages --rule "$rule" | /bin/setpriv --bounding-set=-all sh
    look
    is_level huge_pages 'node 1' ok
}

# interrupts CPUS: sends those of the NIC there.
interrupts() {
    for irq in /sys/class/net/in0/device/../msi_irqs/*; do
        echo "$1" >"/proc/irq/${irq##*/}/smp_affinity_list"
    done
}

# An interrupt moves when it next fires: that for receiving, and that for sending.
irq_is() {
    numacast-probe send --quiet --count 20 --rate 1000 239.1.1.1%in0:5000 >/dev/null
    numacast-probe send --quiet --count 20 --rate 1000 239.1.1.1%tx0:5000 >/dev/null
    look
    [ "$(found nic_irq in0 level)" = "$1" ]
}

interrupts_cured() {
    is_level nic_node in0 ok
    interrupts 0
    check 'interrupts on the other node are noticed' wait_for irq_is warn
    is_level nic_irq in0 warn
    if start_relay 'with interrupts on the other node' --rule "$rule"; then
        log_says 'and it says so, with the cure' \
            'in0: [0-9]+ of [0-9]+ interrupts go elsewhere.*: for i in .*smp_affinity_list; done$'
        stop_relay
    fi
    found nic_irq in0 cure >/tmp/cure
    note "cure: $(cat /tmp/cure)"
    sh /tmp/cure
    check 'and cured' wait_for irq_is ok
    is_level nic_irq in0 ok
    if start_relay 'with interrupts on its own node' --rule "$rule"; then
        log_is_silent_on 'nothing about interrupts' 'interrupts go elsewhere'
        stop_relay
    fi
}

limits_cured() {
    # busybox prefers a setpriv of its own, which changes no user.
    sh -c 'prlimit --pid $$ --memlock=16384:16384 --nofile=40:40
        ask() {
            /bin/setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
                numacastd --check-host --json --rule "$1" >$2
        }
        ask "$1" /tmp/before
        eval "$(jq -r ".findings[] | select(.id == \"nofile\") | .cure" /tmp/before)"
        ask "$1" /tmp/after' limits "$rule"
    cp /tmp/before /tmp/check.json
    is_level nofile '' fail
    is_level memlock '' ok # a kernel of this age does not count rings against it
    cp /tmp/after /tmp/check.json
    is_level nofile '' ok
}

guest() {
    ip link set in0 up promisc on # the NIC then takes groups that nobody has joined
    ip addr add 10.1.0.1/24 dev in0
    ip link set tx0 up
    ip addr add 10.1.0.2/24 dev tx0
    ip link add out0 type veth peer name rx0
    ip link set out0 up
    ip link set rx0 up
    ip addr add 10.2.0.1/24 dev out0
    huge_pages_cured
    interrupts_cured
    echo 1 >/proc/sys/kernel/numa_balancing
    cured numa_balancing '' warn
    is_level kernel '' ok
    is_level io_uring '' ok
    is_level cpuset '' ok
    wrapper='taskset 1' # CPU 0, which is on node 0
    look
    is_level cpuset in0 warn
    is_level nic_node in0 warn
    wrapper=
    limits_cured
    look
    expect 'failures in the end' "$(jq -r '.findings[] | select(.level == "fail") | .id' \
        /tmp/check.json)" ''
    expect 'exit status' $look_status 0
    numacastd --plan=sysctl --rule "$rule" >/tmp/sysctl
    check 'the sysctl file of two nodes stops balancing' grep -qx -- '-kernel.numa_balancing = 0' \
        /tmp/sysctl
}
