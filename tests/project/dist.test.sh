#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The source archive: the same bytes twice, all files of the commit, one directory. `make dist` builds it too.
. "$(dirname "$0")/../cli/helpers.sh" none
root=$(cd "$here/../.." && pwd)
git -C "$root" rev-parse HEAD >/dev/null 2>&1 || exit 77 # unpacked from such an archive

exits 0 "$root/tools/release.sh" --snapshot --no-build "$PWD/first"
cp out first.sha256
(umask 077 && exec "$root/tools/release.sh" --snapshot --no-build "$PWD/second") >second.sha256
same "the checksums of two archives" first.sha256 second.sha256

name=$(sed 's/.*  //; s/\.tar\.gz$//' first.sha256)
tar tzf "first/$name.tar.gz" | grep -v '/$' | sort >packed
git -C "$root" ls-tree -r --name-only --full-tree HEAD | sed "s,^,$name/," | sort >committed
same "what is committed and what is packed" committed packed

# An archive with the version's own name needs a finished changelog.
git clone -q --depth 1 "file://$root" clone
git -C clone config user.name test
git -C clone config user.email test@localhost
version=$(sed -n 's/^#define ARRAKIS_VERSION "\(.*\)"/\1/p' clone/include/arrakis/arrakis.h)
release() { # ENTRY: the changelog begins with it
    sed -i "0,/^## .*/s//$1/" clone/CHANGELOG.md
    git -C clone commit -q --allow-empty -a -m "$1"
    clone/tools/release.sh --no-build
}
exits 1 release "## $version (unreleased)"
says err "begins with '## $version \(unreleased\)', expected"
exits 1 release "## 0.0.7 (2026-01-31)"
exits 0 release "## $version (2026-01-31)"
says out "^[0-9a-f]{64}  arrakis-$version\.tar\.gz$"
touch clone/more
exits 1 clone/tools/release.sh --no-build
says err "not committed"
rm clone/more
git -C clone tag -a -m "$version" "v$version" 'HEAD~1'
exits 1 clone/tools/release.sh --no-build
says err "v$version is the tag of another commit"

finish
