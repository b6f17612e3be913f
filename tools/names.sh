#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: names.sh NM LIST: fails when a hidden function of the library has another name than its file, or a file no
# header of its own name. LIST names the library's object files, one per line.
#
# What room/file.c defines for other files is called ark_file, ark_file_..., ark_room_file or ark_room_file_..., and no
# other file's name fits it better.
set -u
nm=$1 list=$(realpath "$2")
cd "$(dirname "$0")/../src" || exit 1

# Names that are not so, each with its reason: a tenth of all at most.
declare -A other_names=(
    [ark_fail]="the end of every function that fails: base/error"
    [ark_fail_within]="as ark_fail"
    [ark_no_memory]="as ark_fail"
)
# Files whose names are all another's, with the reason.
declare -A other_files=(
    [flight/stub]="defines what flight/ does, where the library is built without"
)
# Files without a header of their own name, with the reason.
declare -A no_header=(
    [align/stream]="arrakis_stream_*, public; stream_state.h declares the one that is not"
    [arrow/c_array]="arrakis_block_export and _rows alone, public"
    [arrow/c_import]="arrakis_block_import alone, public"
    [arrow/c_stream]="arrakis_stream_export alone, public"
    [arrow/reader]="arrakis_arrow_reader_* alone, public"
    [base/gps]="what converts times alone, public"
    [base/random]="arrakis_random_* alone, public"
    [channel/dtype]="arrakis_dtype_* alone, public"
    [channel/list]="arrakis_channels_* alone, public"
    [channel/name]="arrakis_name_parse alone, public"
    [client/data]="arrakis_client_stream and _fetch alone, public"
    [client/endpoint_reader]="arrakis_endpoint_reader_new alone, public"
    [client/server]="arrakis_client_server_info and its like alone, public"
    [file/file_reader]="arrakis_file_reader_* alone, public"
    [file/hdf5]="a module, whose one symbol file/hdf5_module.h declares"
    [file/recorder]="arrakis_recorder_* alone, public"
    [flight/grpc]="a module, whose one symbol flight/transport.h declares"
    [flight/stub]="flight/server.h and its neighbours declare what it defines"
    [kafka/group]="arrakis_group_* alone, public"
    [kafka/mock]="arrakis_mock_broker_* alone, public"
    [kafka/reader]="arrakis_kafka_reader_new alone, public"
    [publish/publisher]="arrakis_publisher_* alone, public"
    [read/memory_reader]="arrakis_memory_reader_* alone, public"
    [read/multi_reader]="arrakis_multi_reader_new alone, public"
)

failed=0
fail() {
    echo "$1"
    failed=1
}

for file in */*.c; do
    file=${file%.c}
    if [ -e "$file.h" ]; then
        [ -z "${no_header[$file]-}" ] || fail "src/$file.h exists: names.sh lists src/$file.c as without a header"
    elif [ -z "${no_header[$file]-}" ]; then
        fail "src/$file.c has no header of its name, and no reason for that in names.sh"
    fi
done
for file in "${!no_header[@]}"; do
    [ -e "$file.c" ] || fail "src/$file.c does not exist: names.sh lists it"
done

# Lines "room/file name" of what files define for others.
defined=$(
    xargs -d '\n' "$nm" -A --defined-only <"$list" |
        sed -n 's,^.*/src/\([^:]*\)\.c\.o\(bj\)\?:[0-9a-f]* [A-Z] \(ark_.*\)$,\1 \3,p'
)
if [ -z "$defined" ]; then
    fail "$nm finds no hidden function in the files of $list"
    exit 1
fi

# Lines "room/file name found": the file whose name fits best, the own one if several do; "-": none does.
judged=$(
    {
        for file in */*.c */*.h; do
            echo "${file%.?}"
        done | sort -u
        echo "$defined"
    } | awk '
        NF == 1 { files[++n] = $1; split($1, part, "/"); short[n] = "ark_" part[2]; long[n] = "ark_" part[1] "_" part[2]; next }
        {
            best = 0; found = "-"
            for (i = 1; i <= n; i++)
                for (k = 0; k < 2; k++) {
                    name = k ? long[i] : short[i]
                    size = length(name)
                    if (($2 == name || index($2, name "_") == 1) && (size > best || (size == best && files[i] == $1))) {
                        best = size
                        found = files[i]
                    }
                }
            print $1, $2, found
        }'
)
count=0 others=0
while read -r file name found; do
    ((count++))
    [ "$file" != "$found" ] || continue
    ((others++))
    if [ -z "${other_names[$name]-}${other_files[$file]-}" ]; then
        [ "$found" = - ] || found="src/$found.c"
        fail "src/$file.c defines $name: expected ark_${file#*/} or ark_${file/\//_} before it, found the name of ${found/#-/no file}"
    fi
done <<<"$judged"
for name in "${!other_names[@]}"; do
    grep -q " $name\$" <<<"$defined" || fail "$name is not defined any more: names.sh lists it"
done
((10 * others <= count)) || fail "$others of $count hidden names are not their files': a tenth at most may be so"

# The Python package: what python/src/file.c defines for others is called pyark_file_..., and file.h declares it. The
# module is another build's, so its sources are read.
cd ../python/src || exit 1
for file in *.c; do
    file=${file%.c}
    [ -e "$file.h" ] || [ "$file" = module ] || fail "python/src/$file.c has no header of its name"
    while read -r name; do
        [[ $name == pyark_${file}_* ]] || fail "python/src/$file.c defines $name: expected pyark_${file}_... as its name"
        [ ! -e "$file.h" ] || grep -qw "$name" "$file.h" || fail "python/src/$file.h does not declare $name"
    done < <(grep -E '^[A-Za-z_]' "$file.c" | grep -vE '^(static|typedef|struct|enum|#)' |
        grep -oE '\b[A-Za-z_0-9]+\(' | tr -d '(' | grep -E '^pyark_')
done

[ "$failed" = 0 ] && echo "$count hidden names, $others of them with a reason to be another than their file's"
exit "$failed"
