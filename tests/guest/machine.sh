# machine.sh - the words with which a case's machine() describes its hardware; sourced by run.
#
# They collect QEMU's options in `qemu', the memory in `memory_mib', the kernel command line in
# `append' and the NICs' names in $dir/etc/case/nics: variables of run_case.
# shellcheck shell=bash disable=SC2034,SC2154

# cpus COUNT SHAPE: SHAPE is QEMU's, such as sockets=2,cores=4,threads=1. With several sockets the
# cores and threads are powers of two: else the APIC numbers have holes, beyond which QEMU 7.2
# loses interrupts, and the guest never comes up.
cpus() {
    if [[ ! $2 =~ ^(sockets=1,.*|sockets=[0-9]+,cores=(1|2|4|8),threads=(1|2)$) ]]; then
        die "$name: cpus $2: with several sockets, cores and threads must be powers of two"
    fi
    qemu+=(-smp "$1,$2")
}

# node ID MIB CPUS: a node with MIB of memory and the CPUs of a list such as 0-3; `-' for none. A
# list of several ranges is separated by blanks.
node() {
    local id=$1 mib=$2 cpu_list=$3 option range
    option=node,nodeid=$id
    if [ "$mib" != - ]; then
        qemu+=(-object "memory-backend-ram,id=mem$id,size=${mib}M")
        option+=,memdev=mem$id
        memory_mib=$((memory_mib + mib))
    fi
    if [ "$cpu_list" != - ]; then
        for range in $cpu_list; do
            option+=,cpus=$range
        done
    fi
    qemu+=(-numa "$option")
}

# distance FROM TO VALUE: how far two nodes are, both ways; 10 is a node to itself, 20 the default.
distance() {
    qemu+=(-numa "dist,src=$1,dst=$2,val=$3")
}

# nic NAME NODE HUB: a virtio NIC called NAME in the guest, on a PCI root bus of NODE (`-': of no
# node), plugged into the HUB of that number; the NICs of one hub reach one another. A NIC whose
# ring is full makes QEMU's hub reorder, so one test sends fewer datagrams than the largest ring
# holds.
nic() {
    local name=$1 node_os=$2 hub=$3 bus=pcie.0 mac root
    nic_count=$((nic_count + 1))
    mac=$(printf '52:54:00:00:00:%02x' "$nic_count")
    if [ "$node_os" != - ]; then
        bus=port$nic_count
        root=pxb-pcie,id=root$nic_count,bus=pcie.0,bus_nr=$((32 + 16 * nic_count))
        qemu+=(-device "$root,numa_node=$node_os"
            -device "pcie-root-port,id=$bus,bus=root$nic_count,chassis=$nic_count")
    fi
    qemu+=(-netdev "hubport,id=net$nic_count,hubid=$hub"
        -device "virtio-net-pci,netdev=net$nic_count,bus=$bus,mac=$mac,romfile=,rx_queue_size=1024")
    echo "$mac $name" >>"$dir/etc/case/nics"
}

# disk FILE: a virtio disk, of which what the guest writes is forgotten.
disk() {
    qemu+=(-drive "file=$1,if=virtio,format=raw,snapshot=on")
}

# kernel WORD...: more kernel command line
kernel() {
    append+=" $*"
}
