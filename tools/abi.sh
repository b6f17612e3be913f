#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: abi.sh [--update]
# What changed for programs that were built before: functions, the layout of structs, values of enums. The
# release build of this tree is compared with that of the last tag v*, built afresh, where only what keeps
# such programs running may differ (tests/abi/suppressions); without a tag with tests/abi/libarrakis.xml,
# from which nothing may differ. --update records that file.
set -eu
cd "$(dirname "$0")/.."

say() { echo "abi: $*" >&2; }
recorded=tests/abi/libarrakis.xml

for tool in abidw abidiff; do
    if ! command -v "$tool" >/dev/null; then
        say "no $tool; as root: apt-get install -y --no-install-recommends abigail-tools"
        exit 1
    fi
done

# build SOURCES DIRECTORY: the shared library with its debugging information
build() {
    cmake -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DARRAKIS_TESTS=OFF >/dev/null
    cmake --build "$2" -j "$(nproc)" --target arrakis >/dev/null
}

# describe SOURCES DIRECTORY XML: what the public headers let a program see
describe() {
    abidw --headers-dir "$1/include" --drop-private-types --exported-interfaces-only --type-id-style hash \
        --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed --out-file "$3" "$2/libarrakis.so"
}

work=build-abi
mkdir -p $work
build . $work/now
describe . $work/now $work/now.xml

if [ "${1-}" = --update ]; then
    cp $work/now.xml $recorded
    say "recorded in $recorded"
    exit 0
fi

tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || tag=
if [ -z "$tag" ]; then
    say "no tag yet: compared with $recorded"
    abidiff --harmless $recorded $work/now.xml || {
        say "the interface differs from $recorded; if that is meant: make abi-update, and commit the file"
        exit 1
    }
    say "no difference"
    exit 0
fi

say "compared with $tag"
rm -rf "$work/$tag"
mkdir "$work/$tag"
git archive "$tag" | tar x -C "$work/$tag"
build "$work/$tag" "$work/$tag/build"
describe "$work/$tag" "$work/$tag/build" "$work/$tag.xml"
soname() { sed -n "s/.*<abi-corpus .* soname='\([^']*\)'.*/\1/p" "$1"; }
before=$(soname "$work/$tag.xml") now=$(soname $work/now.xml)
if [ "$before" != "$now" ]; then
    say "$now is another library than $before: a program that was built for that one does not load it"
    abidiff "$work/$tag.xml" $work/now.xml || true
    exit 0
fi
abidiff --no-added-syms --suppressions tests/abi/suppressions "$work/$tag.xml" $work/now.xml || {
    say "programs that were built for $tag may break; a new minor version may do that, a patch version may not"
    exit 1
}
say "programs that were built for $tag keep running"
