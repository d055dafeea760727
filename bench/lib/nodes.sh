# nodes.sh - which NUMA nodes have memory that may be used here, and which is the near one.
#
# Numbers are the kernel's. On a kernel without NUMA there is node 0.
# shellcheck shell=bash disable=SC2034,SC2154

nodes_dir=/sys/devices/system/node

# list_of TEXT: the numbers of a list such as 0-2,4, one a line.
list_of() {
    tr ',' '\n' <<<"$1" | awk -F- 'NF { for (i = $1; i <= $NF; i++) print i }'
}

# nodes_with_memory: those that have memory, as far as the cpuset allows, one a line.
nodes_with_memory() {
    if [ ! -r $nodes_dir/has_memory ]; then
        echo 0
        return
    fi
    list_of "$(cat $nodes_dir/has_memory)" | grep -xFf \
        <(list_of "$(sed -n 's/^Mems_allowed_list:[[:blank:]]*//p' /proc/self/status)")
}

# nodes_check TEXT: whether --bench-node may be that.
nodes_check() {
    [[ $1 =~ ^[0-9]+$ ]] && nodes_with_memory | grep -qx "$1" && return 0
    echo "bench/run: --bench-node $1: expected a node with memory that may be used here:" \
        "$(nodes_with_memory | paste -sd ' ')" >&2
    return 2
}

# node_of CPU: the node that it belongs to.
node_of() {
    local dir
    for dir in "$nodes_dir"/node[0-9]*/cpu"$1"; do
        [ -e "$dir" ] || continue
        dir=${dir%/cpu*}
        echo "${dir##*/node}"
        return
    done
    echo 0
}

# node_distance FROM TO: by the firmware; 10 is a node to itself. A node's file has a distance for
# each node that is online, in the order of their numbers.
node_distance() {
    local place
    [ -r $nodes_dir/online ] || { echo 10; return; }
    place=$(list_of "$(cat $nodes_dir/online)" | grep -nx "$2" | cut -d: -f1)
    awk -v place="$place" '{ print $place }' "$nodes_dir/node$1/distance"
}

# near_node CPU: the node with memory that is nearest to it: its own, if that has any.
near_node() {
    local own node
    own=$(node_of "$1")
    nodes_with_memory | while read -r node; do
        echo "$(node_distance "$own" "$node") $node"
    done | sort -n | awk 'NR == 1 { print $2 }'
}
