# shellcheck shell=dash disable=SC2016,SC2034
# Placement is right at start, then somebody changes the machine under the daemon: memory nodes and
# CPUs of its cpuset, a CPU. It must notice each, say so once, count, and go on.
title='cpuset and CPUs change while running'

machine() {
    cpus 8 sockets=2,cores=4,threads=1
    node 0 384 0-3
    node 1 384 4-7
    nic in0 1 0
    nic tx0 - 0
}

network() {
    plug in0 10.1.0.1/24
    wire tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
}

cgroup=/sys/fs/cgroup/two

# set_cpuset FILE LIST: the kernel must take it as written.
set_cpuset() {
    echo "$2" >"$cgroup/$1"
    expect "$1" "$(cat "$cgroup/$1.effective")" "$2"
}

# noticed TEXT PATTERN COUNT: COUNT lines of the log come to match, and no more.
noticed() {
    wait_for log_counts "$2" "$3"
    expect "$1: lines like '$2'" "$(log_lines "$2")" "$3"
}

log_counts() {
    [ "$(log_lines "$1")" -ge "$2" ]
}

traffic() {
    exactly_once "$1" 8 100 --rate 1500 239.1.1.0%tx0:5000 -- 239.2.2.0%rx0:6000
}

# Shards 0 and 1 are on CPUs 5 and 6 (4 is left to the system), both of node 1. With io_uring the
# kernel cannot move the page that holds the ring it shares with the shard.
memory_leaves() {
    set_cpuset cpuset.mems 0
    noticed "$1: memory has left" 'shard [01]: [34] of 4 pages have left node 1' 2
    traffic "$1, memory elsewhere"
    set_cpuset cpuset.mems 1
    noticed "$1: memory is back" 'shard [01]: all pages are back on node 1' 2
}

# A cpuset that shrinks takes away the affinity of all its threads, not only of the one concerned.
cpus_leave() {
    set_cpuset cpuset.cpus 4-5
    noticed "$1: a CPU has left" 'shard [01]: may now run on several CPUs, cpu [56] was planned' 2
    once_order=any # shards are not pinned now
    traffic "$1, a CPU less"
    once_order=
}

relay() {
    set_cpuset cpuset.cpus 4-6
    set_cpuset cpuset.mems 0-1
    start_in_cgroup "$1" || return
    expect "$1: shards" "$(shard_cpus)" '5 6'
    check_threads
    check_memory
    traffic "$1"
    memory_leaves "$1"
    cpus_leave "$1"
    expect "$1: told once, memory" "$(log_lines 'have left node')" 2
    expect "$1: told once, CPUs" "$(log_lines 'was planned')" 2
    stop_relay
    expect "$1: shards with pages counted as misplaced" "$(report \
        '.shards[] | select(.placement.page_deviations > 0).shard')" '0 1'
    expect "$1: shards counted as elsewhere" "$(report \
        '.shards[] | select(.placement.cpu_deviations > 0).shard')" '0 1'
}

start_in_cgroup() {
    echo 0 >$cgroup/cgroup.procs
    start_relay "$1" --engine "$1" --require-huge \
        --rule '239.1.1.0/29%in0:5000 -> 239.2.2.0/29%out0:6000'
    start_status=$?
    echo 0 >/sys/fs/cgroup/cgroup.procs
    return $start_status
}

# Outside of any cpuset: the kernel breaks the affinity of a thread whose CPU goes.
cpu_goes_offline() {
    start_relay "$1, CPU offline" --engine "$1" --cpus 5,6 --huge off \
        --rule '239.1.1.0/29%in0:5000 -> 239.2.2.0/29%out0:6000' || return
    echo 0 >/sys/devices/system/cpu/cpu6/online
    noticed "$1: CPU 6 is offline" 'shard 1: may now run on several CPUs, cpu 6 was planned' 1
    traffic "$1, CPU offline"
    stop_relay
    echo 1 >/sys/devices/system/cpu/cpu6/online
}

guest() {
    huge_2m 0 20
    huge_2m 1 20
    network
    echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
    mkdir $cgroup
    for engine in $ENGINES; do
        relay "$engine"
        cpu_goes_offline "$engine"
    done
}
