#!/bin/bash
# Every example of numacastd.conf(5) is a configuration: it is valid, it can be planned for a
# machine of two sockets, and the page shows nothing that is none. tests/net/examples.sh relays by
# them.
set -u
build=${NC_BUILDDIR:?run by make check}
src=${NC_SRCDIR:?run by make check}
daemon=$build/src/numacastd
page=$src/doc/numacastd.conf.5
dir=$(mktemp -d "${TMPDIR:-/tmp}/numacast-examples.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
. "$src/tests/lib/words.sh"
. "$src/tests/lib/examples.sh"

have jq || skip "jq is missing; on Debian: apt-get install jq"

count=$(examples_extract "$page" "$dir")
expect "examples" "$(cd "$dir" && echo *)" \
    "cloud.conf host.conf iptv.conf market-data.conf site.conf studio.conf"
expect "displays in the section" "$count" 6

for file in "$dir"/*.conf; do
    name=${file##*/}
    said=$("$daemon" --check --config "$file" 2>&1)
    expect "$name: --check" "$?, ${said%%:*}" "0, configuration is valid"
    flows=$(sed -E 's/.* ([0-9]+) flows.*/\1/' <<<"$said")
    "$daemon" --plan=json --topology 'package:2 numanode:1 core:8 pu:1' --config "$file" \
        >"$dir/plan" 2>"$dir/err"
    expect "$name: --plan" "$?, $(cat "$dir/err")" "0, "
    expect "$name: every flow has a shard" "$(jq '[.flows[].owners | select(length > 0)] | length' \
        "$dir/plan")" "$flows"
    expect "$name: every rule has a name" "$(grep -c '^rule' "$file")" \
        "$(grep -c '^rule.* name=' "$file")"
done

# What the page says of the format holds.
rule='rule 239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000'
refused() {
    printf '%s\n' "$2" >"$dir/wrong"
    "$daemon" --check --config "$dir/wrong" 2>"$dir/err" >"$dir/out"
    expect "$1: exit status" $? 2
    expect_words "$1" "$dir/err" "$dir/wrong:$3"
}
refused "an option twice" $'strict\nstrict' 2
refused "quotes" "engine 'mmsg'" 1
for word in config check plan source check-host json help version; do
    refused "$word in a file" "$word" 1
done
printf '  # blank\n\n%s # behind it\nstrict off\n' "$rule" >"$dir/right"
"$daemon" --check --config "$dir/right" --config "$dir/iptv.conf" >"$dir/out" 2>"$dir/err"
expect "two files" "$?, $(cat "$dir/out")" \
    "0, configuration is valid: 3 rules, 18 flows, 35 outputs"
[ "$failures" -eq 0 ]
