# shellcheck shell=dash disable=SC2034
# A control group that gives less than the plan takes: the start says so and ends, before the kernel
# kills it for the memory, and the host check says so before the start.
title='a control group that is too small'

machine() {
    cpus 4 sockets=1,cores=4,threads=1
    node 0 512 0-3
}

group=/sys/fs/cgroup/small
rule='239.1.1.1%lo:5000 -> 239.2.2.2%lo:6000'

# limited FILE VALUE COMMAND...: runs the command in a group with that limit.
limited() {
    echo "$2" >"$group/$1"
    shift 2
    (
        echo 0 >$group/cgroup.procs
        "$@"
    )
    echo max >$group/memory.max
    echo max >$group/pids.max
}

said() {
    numacastd --check-host --huge off --shards 3 --rule "$rule" >/tmp/findings
    check "the host check: $1" grep -qE "$1" /tmp/findings
}

guest() {
    echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control
    mkdir $group
    limited memory.max 12M \
        refuses 'too little memory' 1 'memory.max is 12 MiB, and [0-9]+ MiB are' \
        --huge off --shards 3 --rule "$rule"
    limited memory.max 12M said '^fail +cgroup_memory: /sys/fs/cgroup/small/memory.max = 12 MiB'
    limited pids.max 3 refuses 'no room for a child' 1 'no process for it: .* raise TasksMax=' \
        --huge off --shards 3 --rule "$rule"
    limited pids.max 4 refuses 'too few threads' 1 'pids.max is 4, .* threads more are needed' \
        --huge off --shards 3 --rule "$rule"
    limited pids.max 4 said '^fail +cgroup_pids: '
    echo '50000 100000' >$group/cpu.max
    limited memory.max max said '^warn +cgroup_cpu: .* gives 0.50 CPUs, 3 run shards'
    check 'nobody was killed' sh -c '! dmesg | grep -qi "out of memory"'
}
