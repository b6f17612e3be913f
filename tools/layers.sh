#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: layers.sh: fails when an include in src/ or python/src/ points against the order of the rooms, when files
# include each other in a circle, or when librdkafka, gRPC or libhdf5 are met outside their places (docs/design.md, "The
# rooms").
set -u
cd "$(dirname "$0")/../src" || exit 1

# A room includes itself and those before it.
order=(base gwf channel block arrow file read align kafka flight client publish)

# Those of python/src, which is one folder: what is in each room, in order.
python_rooms=(
    "base: argument binding error fork handle log mapping token wait"
    "values: array array_dict arrow batch block channel channels masked owner rows series_block stats"
    "sources: align client connection memory mock publisher query reader request stream"
    "module: module"
)

failed=0 at=src
fail() {
    echo "$at/$1"
    failed=1
}

# A pair of files is one place: what it includes must not need it. Lines "file header".
check_circles() {
    local circle
    circle=$(sed 's/\.[ch]\>//g' <<<"$1" | awk '$1 != $2' | tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p')
    if [ -n "$circle" ]; then
        fail " has files that include each other in a circle:"
        grep -v 'input contains a loop' <<<"$circle"
    fi
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

check_circles "$includes"

while read -r file; do
    fail "$file includes librdkafka: only kafka/ does"
done < <(grep -lE '^ *# *include *<librdkafka/' ./*/*.[ch] | sed 's,^\./,,' | grep -v '^kafka/')
while read -r file; do
    fail "$file includes gRPC: only flight/grpc.c does"
done < <(grep -lE '^ *# *include *<(grpc|grpc\+\+|grpcpp)/' ./*/*.[ch] | sed 's,^\./,,' | grep -vx 'flight/grpc.c')
while read -r file; do
    fail "$file includes libhdf5: only file/hdf5.c does"
done < <(grep -lE '^ *# *include *<(hdf5|H5[A-Za-z]*)\.h>' ./*/*.[ch] | sed 's,^\./,,' | grep -vx 'file/hdf5.c')

cd ../python/src || exit 1
at=python/src
declare -A python_rank
for i in "${!python_rooms[@]}"; do
    for name in ${python_rooms[i]#*:}; do
        python_rank[$name]=$i
        [ -e "$name.h" ] || [ -e "$name.c" ] || fail "$name.[ch] is not there, and layers.sh has it in a room"
    done
done
python_found=(*.[ch])
for file in "${python_found[@]}" */*.[ch]; do
    [ -n "${python_rank[${file%.[ch]}]-}" ] || fail "$file lies in no room: layers.sh has them"
done
python_includes=$(grep -Ho '^ *# *include *"[^"]*"' -- *.[ch] | sed 's,^\([^:]*\):[^"]*"\([^"]*\)"$,\1 \2,')
while read -r file header; do
    from=${file%.[ch]} to=${header%.[ch]}
    if [ ! -e "$header" ]; then
        fail "$file includes \"$header\": expected a header of the folder"
    elif ((${python_rank[$to]-0} > ${python_rank[$from]-0})); then
        fail "$file includes \"$header\": ${python_rooms[python_rank[$to]]%%:*} comes after ${python_rooms[python_rank[$from]]%%:*}"
    fi
done <<<"$python_includes"
check_circles "$python_includes"

[ "$failed" = 0 ] &&
    echo "${#found[@]} files of ${#order[@]} rooms, ${#python_found[@]} of ${#python_rooms[@]} in Python: includes point one way"
exit "$failed"
