#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: release.sh [--snapshot] [--no-build] [DIRECTORY]
# The source archive of the commit that is checked out, in DIRECTORY (build-dist), with its checksum. The
# same commit gives the same bytes. It is unpacked and built, and its program must have the version that
# the archive is named after.
#   --snapshot   of any commit, named after it: the changelog may be unfinished, the tree changed
#   --no-build   not unpacked and built
# The version is written once, in include/arrakis/arrakis.h; the test project.version checks what repeats it.
set -eu
cd "$(dirname "$0")/.."

say() { echo "release: $*" >&2; }
fail() {
    say "$@"
    exit 1
}

snapshot='' build=yes directory=build-dist
for argument; do
    case $argument in
    --snapshot) snapshot=yes ;;
    --no-build) build='' ;;
    -*) fail "no option $argument" ;;
    *) directory=$argument ;;
    esac
done

version=$(git show HEAD:include/arrakis/arrakis.h | sed -n 's/^#define ARRAKIS_VERSION "\(.*\)"$/\1/p')
[ -n "$version" ] || fail "include/arrakis/arrakis.h has no line #define ARRAKIS_VERSION"
name=arrakis-$version
if [ -n "$snapshot" ]; then
    name=$name-$(git rev-parse --short=12 HEAD)
else
    [ -z "$(git status --porcelain)" ] || fail "the tree has changes that are not committed; --snapshot passes over them"
    entry=$(git show HEAD:CHANGELOG.md | grep -m 1 '^## ') || entry="no entry"
    [[ $entry =~ ^"## $version ("[0-9]{4}-[0-9]{2}-[0-9]{2}\)$ ]] ||
        fail "CHANGELOG.md begins with '$entry', expected '## $version (YYYY-MM-DD)'"
    tagged=$(git rev-parse -q --verify "v$version^{commit}") || tagged=
    [ -z "$tagged" ] || [ "$tagged" = "$(git rev-parse HEAD)" ] ||
        fail "v$version is the tag of another commit; a new version goes into include/arrakis/arrakis.h"
fi

mkdir -p "$directory"
archive=$directory/$name.tar.gz
# Whatever the user has set up for tar archives does not count: the modes would differ.
git -c tar.umask=0022 archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$archive.new"
mv "$archive.new" "$archive"
(cd "$directory" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")

if [ -n "$build" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tar xzf "$archive" -C "$work"
    cmake -S "$work/$name" -B "$work/build" -DARRAKIS_TESTS=OFF >"$work/log" 2>&1 &&
        cmake --build "$work/build" -j "$(nproc)" >>"$work/log" 2>&1 &&
        cmake --install "$work/build" --prefix "$work/prefix" >>"$work/log" 2>&1 || {
        tail -n 30 "$work/log" >&2
        fail "the archive does not build"
    }
    built=$("$work/prefix/bin/arrakis-cli" --version)
    [ "$built" = "arrakis-cli $version" ] || fail "the archive builds $built, expected arrakis-cli $version"
fi
cat "$archive.sha256"
[ -n "$snapshot" ] || say "then: git tag -s v$version -m 'libarrakis $version'"
