#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: layers.sh: fails when an include in src/ points against the order of the rooms, when files include each
# other in a circle, or when librdkafka or gRPC are met outside their places (docs/design.md, "The rooms").
set -u
cd "$(dirname "$0")/../src" || exit 1

# A room includes itself and those before it.
order=(base gwf channel block arrow file read align kafka flight client publish)

failed=0
fail() {
    echo "src/$1"
    failed=1
}

declare -A rank
for i in "${!order[@]}"; do
    rank[${order[i]}]=$i
done

shopt -s nullglob
found=(*.[ch] */*.[ch] */*/*.[ch])
for file in "${found[@]}"; do
    room=${file%%/*}
    if [[ $file == */*/* || -z ${rank[$room]-} ]]; then
        fail "$file lies in no room: expected one of ${order[*]}"
    fi
done

# Lines "file header" of all includes of our own.
includes=$(grep -Ho '^ *# *include *"[^"]*"' ./*/*.[ch] | sed 's,^\./\([^:]*\):[^"]*"\([^"]*\)"$,\1 \2,')

while read -r file header; do
    from=${file%%/*} to=${header%%/*}
    if [ ! -e "$header" ]; then
        fail "$file includes \"$header\": expected room/file.h"
    elif ((${rank[$to]-0} > ${rank[$from]-0})); then
        fail "$file includes \"$header\": $to comes after $from"
    fi
done <<<"$includes"

# A pair of files is one place: what it includes must not need it.
circle=$(sed 's/\.[ch]\>//g' <<<"$includes" | awk '$1 != $2' | tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p')
if [ -n "$circle" ]; then
    fail " has files that include each other in a circle:"
    grep -v 'input contains a loop' <<<"$circle"
fi

while read -r file; do
    fail "$file includes librdkafka: only kafka/ does"
done < <(grep -lE '^ *# *include *<librdkafka/' ./*/*.[ch] | sed 's,^\./,,' | grep -v '^kafka/')
while read -r file; do
    fail "$file includes gRPC: only flight/grpc.c does"
done < <(grep -lE '^ *# *include *<(grpc|grpc\+\+|grpcpp)/' ./*/*.[ch] | sed 's,^\./,,' | grep -vx 'flight/grpc.c')

[ "$failed" = 0 ] && echo "${#found[@]} files of ${#order[@]} rooms: includes point one way"
exit "$failed"
