#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The files that the documents for contributors name are there. NAME and VERSION stand for any.
. "$(dirname "$0")/../cli/helpers.sh" none
root=$here/../..

cd "$root" || exit 1
for page in docs/extending.md SECURITY.md README.md CONTRIBUTING.md docs/design.md; do
    grep -oE '`(src|cli|tests|tools|docs|include|examples|fuzz|bench|cmake)/[A-Za-z0-9_./-]*[a-z0-9/]`' "$page" |
        tr -d '`' | grep -v -e NAME -e VERSION | sort -u |
        while read -r path; do
            [ -e "$path" ] || echo "$page names $path, which is not there"
        done
done >"$OLDPWD/absent"
cd "$OLDPWD" || exit 1
same "paths in documents" /dev/null absent

finish
