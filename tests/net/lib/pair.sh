# pair.sh - two machines with one configuration. Part of the stories of standby and take-over.
#
#                      .-- in0:ra:out0 --.
#   src:s0 --- in sw --+                 +-- out sw --- d0:dst
#                      '-- in0:rb:out0 --'
#
# Both switches flood, so each machine hears all that src sends, and dst all that both send.
# shellcheck shell=bash disable=SC2154,SC2034

declare -A pair_pid pair_vrrp

# pair_port SWITCH NAME IF V4 V6: an interface of NAME, plugged into SWITCH.
pair_port() {
    local port=p${#2}$2$3
    veth_pair "$1" "$port" "$2" "$3"
    in_ns "$1" ip link set "$port" master br0 up
    address "$2" "$3" "$4" "$5"
    wait_for carrier "$2" "$3" || fail_now "$3 of $2 does not come up"
}

# pair_topo: the wires of the picture.
pair_topo() {
    local switch
    ns_add src swi swo ra rb dst
    for switch in swi swo; do
        in_ns "$switch" ip link add br0 type bridge mcast_snooping 0
        in_ns "$switch" ip link set br0 up
    done
    pair_port swi src s0 10.77.1.1/24 fd77:1::1/64
    pair_port swo dst d0 10.77.2.1/24 fd77:2::1/64
    pair_port swi ra in0 10.77.1.11/24 fd77:1::11/64
    pair_port swi rb in0 10.77.1.12/24 fd77:1::12/64
    pair_port swo ra out0 10.77.2.11/24 fd77:2::11/64
    pair_port swo rb out0 10.77.2.12/24 fd77:2::12/64
    in_ns src ip route add 224.0.0.0/4 dev s0
    in_ns dst ip route add 224.0.0.0/4 dev d0
}

# pair_start NAME ARGUMENT...: numacastd there, as relay_start; it listens at $work/NAME.control.
pair_start() {
    local relay_ns=$1 relay_control=$work/$1.control report=$work/$1.json daemon_log=$work/$1.log
    shift
    relay_start "$@"
    pair_pid[$relay_ns]=$daemon_pid
}

# pair_ctl NAME ARGUMENT...: numacastctl, to that machine's.
pair_ctl() {
    local name=$1
    shift
    "$ctl" --control "$work/$name.control" "$@"
}

# pair_stop NAME: as relay_stop; its report stays in $work/NAME.json.
pair_stop() {
    local relay_ns=$1 report=$work/$1.json daemon_pid=${pair_pid[$1]}
    relay_stop
}

# pair_reported NAME EXPRESSION: a value of its exit report.
pair_reported() {
    jq -r "$2" "$work/$1.json"
}

# pair_vrrp NAME [notify]: keepalived there, with the sample's configuration fitted to these wires:
# the virtual address is 10.77.2.9, the health file $work/NAME.health. With `notify' it tells the
# relay, by the sample's script, and gives adverts the 100 ms that a busy machine keeps to.
pair_vrrp() {
    local name=$1 notify=${2:-} own=10.77.2.11 other=10.77.2.12 ha=$src_top/etc/ha
    local script=$work/numacast-notify
    [ "$name" = ra ] || { own=10.77.2.12 other=10.77.2.11; }
    sed -e "s/relay-a/$name/; s/eth1/out0/g; s/192.0.2.10/10.77.2.9/; s/192.0.2.11/$own/" \
        -e "s/192.0.2.12/$other/; s|/run/numacast/health|$work/$name.health|" \
        -e "s|/run/numacast/away|$work/$name.away|; s|/usr/local/sbin/numacast-notify|$script|" \
        "$ha/keepalived.conf" >"$work/$name.keepalived"
    if [ "$notify" = notify ]; then
        sed -i 's/advert_int 0.01/advert_int 0.1/' "$work/$name.keepalived"
    else
        sed -i '/^ *notify /d' "$work/$name.keepalived"
    fi
    # A copy, since keepalived runs only what nobody but root may change.
    install -m 755 "$ha/numacast-notify" "$script"
    chmod 755 "$work"
    start_in "$name" env NUMACAST_CONTROL="$work/$name.control" \
        NUMACASTCTL="$build_top/src/numacastctl" \
        keepalived --dont-fork --log-console --use-file="$work/$name.keepalived" \
        --pid="$work/$name.pid" --vrrp_pid="$work/$name.vrrp_pid" \
        --checkers_pid="$work/$name.check_pid" >"$work/$name.vrrp.log" 2>&1
    pair_vrrp[$name]=$started
}
pair_has_address() {
    in_ns "$1" ip -4 addr show dev out0 | grep -q "10.77.2.9/32"
}
