#!/bin/bash
# What a release must be: etc/dev/release-check finds nothing on this tree, and finds each thing
# that can be wrong in a copy of it; the spec is one that rpm reads; the SBOM of the programs built
# here is an SPDX document that names what they need.
# shellcheck disable=SC2016 # what looks like a variable of ours is one of jq's
set -u
build=${NC_BUILDDIR:?run by make check}
src=${NC_SRCDIR:?run by make check}
dir=$(mktemp -d "${TMPDIR:-/tmp}/numacast-release.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
. "$src/tests/lib/words.sh"

for tool in jq readelf rpmspec rpmlint; do
    have "$tool" || skip "$tool is missing; on Debian: apt-get install jq binutils rpm rpmlint"
done
check=$src/etc/dev/release-check
version=$(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$build/config.h")

# ---- the tree of today ----
"$check" --unreleased "$src" >"$dir/out" 2>&1
expect "release-check --unreleased" "$?, $(head -n 3 "$dir/out" | sed 's/, .*//')" \
    "0, release-check: $version"

# ---- a release, made of a copy, and what can be wrong with it ----
# fresh: the copy, with a date.
today=$(date +%F)
fresh() {
    rm -rf "$dir/tree"
    mkdir -p "$dir/tree/etc" "$dir/tree/doc"
    (cd "$src" && cp -R configure.ac ChangeLog LICENSE "$dir/tree/" &&
        cp -R etc/rpm etc/ha "$dir/tree/etc/" && cp doc/*.[1-8] "$dir/tree/doc/")
    [ ! -d "$src/debian" ] || cp -R "$src/debian" "$dir/tree/"
    chmod -R u+w "$dir/tree"
    sed -i "1s/.*/$version, $today/" "$dir/tree/ChangeLog"
    find "$dir/tree" \( -name LICENSE -o -name copyright \) \
        -exec sed -i "s/^\(Copyright[^0-9]*\)[0-9]\{4\},/\1${today%%-*},/" {} +
}

# wrong TEXT FILE EXPRESSION: after this change by sed, one finding begins with TEXT.
wrong() {
    fresh
    sed -i "$3" "$dir/tree/$2"
    "$check" "$dir/tree" >"$dir/out" 2>&1
    expect "$2, $3" "$?, $(wc -l <"$dir/out"), $(cut -c "1-$((15 + ${#1}))" "$dir/out")" \
        "1, 1, release-check: $1"
}
fresh
"$check" "$dir/tree" >"$dir/out" 2>&1
expect "a release" "$?, $(cat "$dir/out")" "0, release-check: $version, $today: nothing found"
if [ -d "$src/debian" ]; then
    wrong "debian/changelog: the first entry is '9.9.9'" debian/changelog '1s/(.*-/(9.9.9-/'
    wrong "debian/changelog: the first entry is UNRELEASED" debian/changelog \
        '1s/unstable/UNRELEASED/'
    wrong "debian/copyright: the copyright" debian/copyright 's/^Copyright: .*,/Copyright: 1999,/'
fi
wrong "etc/rpm/numacast.spec: Version is '9.9.9'" etc/rpm/numacast.spec \
    's/^Version:.*/Version: 9.9.9/'
wrong "etc/rpm/numacast.spec: the first entry is '9.9.9'" etc/rpm/numacast.spec \
    "s/ - $version-1/ - 9.9.9-1/"
wrong "etc/ha/kubernetes.yaml: the image is '9.9.9'" etc/ha/kubernetes.yaml \
    's/numacast:[0-9.]*/numacast:9.9.9/'
wrong "ChangeLog: the first line is not" ChangeLog '1s/, .*/, soon/'
wrong "ChangeLog: the first line is not" ChangeLog '1s/, .*/, not yet released/'
wrong "ChangeLog: the first line is not" ChangeLog '1s/-[0-9]*$/-77/'
wrong "LICENSE: the copyright" LICENSE 's/(c) [0-9]*/(c) 1999/'
wrong "doc/numacastd.8: no date in .Dd: ''" doc/numacastd.8 '/^\.Dd/d'
wrong "doc/numacastd.8: .Dd is not" doc/numacastd.8 's/^\.Dd.*/.Dd 2026-11-29/'

# ---- the spec ----
rpmspec -P "$src/etc/rpm/numacast.spec" >"$dir/spec" 2>"$dir/err"
expect "rpmspec reads the spec" "$?, $(cat "$dir/err")" "0, "
rpmlint -c "$src/tests/packages/rpmlint.toml" "$src/etc/rpm/numacast.spec" >"$dir/out" 2>&1
expect "rpmlint: $(tail -n 1 "$dir/out")" $? 0
expect "rpmlint's findings" "$(grep -cE '^numacast.*: [EW]: ' "$dir/out")" 0

# ---- what is linked ----
programs=("$build/src/numacastd" "$build/src/numacastctl" "$build/src/numacast-probe")
SOURCE_DATE_EPOCH=86400 "$src/etc/dev/sbom" "$version" "${programs[@]}" >"$dir/sbom" 2>"$dir/err"
expect "sbom" "$?, $(cat "$dir/err")" "0, "
sbom() {
    jq -r "$1" "$dir/sbom"
}
expect "the document" "$(sbom '[.spdxVersion, .dataLicense, .SPDXID, .creationInfo.created,
    (.creationInfo.creators | length)] | join(" ")')" \
    "SPDX-2.3 CC0-1.0 SPDXRef-DOCUMENT 1970-01-02T00:00:00Z 1"
expect "what a package or a file must have, and has not" "$(sbom '
    [(.packages[] | select((.name and .SPDXID and .downloadLocation and
        .filesAnalyzed == false) | not)),
     (.files[] | select((.fileName | startswith("./")) and (.checksums | map("\(.algorithm)\(
        .checksumValue | length)") | . == ["SHA140", "SHA25664"]) | not))] | length')" 0
expect "identifiers that are none" "$(sbom '[.packages[], .files[]] | map(.SPDXID |
    select(test("^SPDXRef-[A-Za-z0-9.-]+$") | not)) | length')" 0
expect "identifiers that stand twice" "$(sbom '[.packages[], .files[] | .SPDXID] |
    length - (unique | length)')" 0
expect "relations to what is not there" "$(sbom '([.packages[].SPDXID, .files[].SPDXID,
    .SPDXID]) as $ids | [.relationships[] | .spdxElementId, .relatedSpdxElement] - $ids |
    length')" 0
for program in "${programs[@]}"; do
    name=${program##*/}
    expect "$name: libraries" "$(sbom "[.relationships[] | select(.relationshipType ==
        \"DYNAMIC_LINK\" and .spdxElementId == \"SPDXRef-File-$name\").comment] | sort |
        join(\" \")")" "$(readelf -d "$program" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' |
        grep -v '^ld-linux' | LC_ALL=C sort | xargs)"
    expect "$name: sum" "$(sbom \
        ".files[] | select(.fileName == \"./$name\").checksums[1].checksumValue")" \
        "$(sha256sum "$program" | cut -d ' ' -f 1)"
done
[ "$failures" -eq 0 ]
