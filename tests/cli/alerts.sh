#!/bin/bash
# The alert rules of etc/prometheus are valid, and say what they should of series made up for it.
set -u
src=${NC_SRCDIR:?run by make check}
dir=$(mktemp -d "${TMPDIR:-/tmp}/numacast-alerts.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
if ! command -v promtool >/dev/null; then
    echo "skipped: promtool is missing; on Debian: apt-get install prometheus"
    exit 77
fi
cp "$src/etc/prometheus/numacast-alerts.yaml" "$src/tests/prometheus/alerts.yaml" "$dir" || exit 1
promtool check rules "$dir/numacast-alerts.yaml" || exit 1
promtool test rules "$dir/alerts.yaml" || exit 1

# A test that could not fail would be none: each alert is asked for, and a broken rule is noticed.
while read -r name; do
    grep -q "alertname: $name\$\|alertname: $name," "$dir/alerts.yaml" ||
        { echo "$name: no test asks for it"; exit 1; }
done < <(sed -n 's/^ *- alert: //p' "$dir/numacast-alerts.yaml")
sed -i 's/numacast_consistent == 0/numacast_consistent == 2/' "$dir/numacast-alerts.yaml"
if promtool test rules "$dir/alerts.yaml" >"$dir/out" 2>&1; then
    echo "a broken rule is not noticed"
    exit 1
fi
