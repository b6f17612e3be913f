#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: bench/instructions.sh >bench/instructions.md
# Counts the instructions of decoding and aligning with callgrind: free of noise, the same on every run
# of one build on one machine. ARRAKIS_BUILD: another build directory.
set -eu
cd "$(dirname "$0")/.."
build=${ARRAKIS_BUILD:-build}
cmake --build "$build" --target bench -j "$(nproc)" >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Instructions inside a function, run by a command.
count() {
    local inside=$1
    shift
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect="$inside" "$@" 2>&1 |
        sed -n 's/.*Collected : //p'
}

decode() {
    local channels=$1 samples=$2 wanted=$3 loops=20 messages=16
    local work="channels=$channels samples=$samples strides=$messages"
    # shellcheck disable=SC2086
    "$build/bench/bench_fill" make=file file="$scratch/d" $work
    # shellcheck disable=SC2086
    n=$(count warm_ns "$build/bench/bench_decode" file="$scratch/d" wanted="$wanted" loops=$loops only_warm=1 $work)
    echo "| decode, $channels x $samples float32, $wanted wanted | $((n / messages / (loops + 1))) |"
}

align() {
    local partitions=$1 wanted=$2 strides=$3 work
    work="partitions=$partitions strides=$strides prefix=obs"
    # shellcheck disable=SC2086
    "$build/bench/bench_fill" make=file file="$scratch/a" start=1900000000 $work
    # shellcheck disable=SC2086
    n=$(count arrakis_stream_next "$build/bench/bench_align" file="$scratch/a" wanted="$wanted" only_align=1 start=1900000000 $work)
    echo "| ingest, mux and block, $wanted channels of $partitions partitions of 80 | $((n / partitions / strides)) |"
}

cat <<END
# Instructions a message

Counted by callgrind, so without noise; renewed by \`bench/instructions.sh >bench/instructions.md\`
($(gcc --version | head -1), $(uname -m), build type $(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt")).
"decode" is a message's bytes to a chunk, warm; "ingest, mux and block" is all of
\`arrakis_stream_next()\` over messages in memory.

| what | instructions a message |
|---|---|
END
decode 80 1 80
decode 80 1 3
decode 100 1024 100
decode 100 1024 3
decode 1000 16 1000
decode 1000 16 3
align 323 767 32
align 323 25840 32
