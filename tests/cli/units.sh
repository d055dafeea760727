#!/bin/bash
# What etc/ installs is valid: systemd's own tools read it, the units keep their hardening, the
# sysctl file is what the program prints, and reserve-hugepages notices when it got too little.
set -u
src=${NC_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${NC_BUILDDIR:-$src/build}
daemon=$build/src/numacastd
units=$build/etc/systemd
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-units.XXXXXX")
trap 'rm -rf "$work"' EXIT
. "$src/tests/lib/words.sh"

have systemd-analyze || skip "systemd-analyze is missing; on Debian: apt-get install systemd"

# ---- units: no unknown word, every program there ----
root=$work/root
mkdir -p "$root/usr/lib/systemd/system"
cp -r /usr/lib/systemd/system/. "$root/usr/lib/systemd/system/"
cp "$units"/*.service "$root/usr/lib/systemd/system/"
while read -r program; do
    mkdir -p "$root${program%/*}"
    install -m 755 /dev/null "$root$program"
done < <(sed -nE 's/^Exec(Start|Reload)=([^ ]*).*/\2/p' "$units"/*.service)

# verify UNIT: what systemd has to say of it.
verify() {
    systemd-analyze verify --man=no --root="$root" "$root/usr/lib/systemd/system/$1.service" 2>&1 |
        grep -i numacast
}
for unit in numacastd numacast-hugepages numacast-srt@ numacast-rist-send@ \
    numacast-rist-receive@; do
    expect "$unit.service: systemd-analyze verify says nothing" "$(verify "$unit")" ""
    expect "$unit.service: no path was left to fill in" "$(grep -c '@[a-z]*dir@' \
        "$units/$unit.service")" 0
    # In tenths: 20 of 100, as measured with systemd 252, is the best that a network daemon can be.
    if systemd-analyze security --no-pager --offline=true --threshold=25 \
        "$units/$unit.service" >"$work/security.log" 2>&1; then
        ok "$unit.service: $(tail -n 1 "$work/security.log")"
    else
        expect "$unit.service: exposure" "$(tail -n 1 "$work/security.log")" "2.5 or less"
    fi
done
for key in Type=notify LimitMEMLOCK=infinity LimitNOFILE=1048576 MemoryDenyWriteExecute=yes; do
    expect "numacastd.service has $key" "$(grep -cx "$key" "$units/numacastd.service")" 1
done

sed 's/^ProtectSystem=.*/ProtectSystem=stritc/' "$units/numacastd.service" \
    >"$root/usr/lib/systemd/system/numacastd.service"
expect "a wrong word in a unit is noticed" "$(verify numacastd | grep -c stritc)" 1

# ---- the user ----
systemd-sysusers --root="$work" --dry-run "$src/etc/sysusers.d/numacast.conf" \
    >"$work/sysusers.log" 2>&1
expect "systemd-sysusers reads the user" $? 0

# ---- kernel settings: the file is what the program prints for a machine of two nodes ----
"$daemon" --plan=sysctl --topology "package:2 numanode:1 core:4 pu:1" >"$work/sysctl.conf"
expect "etc/sysctl.d is what --plan=sysctl prints" \
    "$(diff "$work/sysctl.conf" "$src/etc/sysctl.d/10-numacast.conf")" ""
expect "an interface whose name has a dot" "$("$daemon" --plan=sysctl --topology "core:2 pu:1" \
    --rule "239.1.1.1%eth0.7:5000 -> 239.2.2.2%eth1:6000" | grep rp_filter)" \
    "#net/ipv4/conf/eth0.7/rp_filter = 2"

# ---- huge pages, with a program that plans two nodes' pools in files of ours ----
cat >"$work/numacastd" <<'END'
#!/bin/sh
echo "# arguments: $*"
for node in 0 1; do
    pool=$(dirname "$0")/pool$node
    if [ "$(cat "$pool")" -ge 8 ]; then
        echo "# node $node: nothing to do"
    else
        echo "echo ${WRITE:-8} > $pool"
    fi
done
END
chmod 755 "$work/numacastd"
reserve() {
    echo 8 >"$work/pool0"
    echo 3 >"$work/pool1"
    NUMACASTD=$work/numacastd sh "$units/reserve-hugepages" --config "a file" >"$work/out" 2>&1
}
reserve
expect "reserve-hugepages: exit status" $? 0
expect "reserve-hugepages: the pool" "$(cat "$work/pool1")" 8
expect "reserve-hugepages: arguments pass" "$(head -n 1 "$work/out")" \
    "# arguments: --plan=hugepages --config a file"
export WRITE=5 # as a kernel whose memory is in small pieces
reserve
expect "reserve-hugepages: exit status when the kernel gave less" $? 1
expect "reserve-hugepages: what is still to do" "$(grep -c '^echo 5 > ' "$work/out")" 2
NUMACASTD=/bin/false sh "$units/reserve-hugepages" >/dev/null 2>&1
expect "reserve-hugepages: exit status without a plan" $? 1

[ "$failures" -eq 0 ]
