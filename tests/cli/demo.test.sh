#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demonstration: blocks and the gap of its drop-out, and an end by itself.
. "$(dirname "$0")/helpers.sh"

# What is missing is the drop-out's: one partition, a second.
only_the_drop_out() {
    local missing
    missing=$(sed -n 's/.* \([0-9]*\) strides of partitions missing.*/\1/p' out)
    [ "$missing" -ge 15 ] && [ "$missing" -le 17 ]
}
calmly only_the_drop_out "$cli" demo --duration 3
says out '^broker 127\.0\.0\.1:[0-9]+: a simulated detector'
says out '^join in: arrakis-cli stream --kafka-url 127\.0\.0\.1:[0-9]+ .*H1:GDS-CALIB_STRAIN$'
says out '^import libarrakis$'
says out '^for block in libarrakis\.stream\(\["H1:GDS-CALIB_STRAIN"\], kafka_url="127\.0\.0\.1:[0-9]+", .*: print\(block\)$'
says out '^GPS [0-9]+\.[0-9]{4}  [0-9]+ blocks  latency [0-9.]+ ms, at most [0-9.]+ ms  no gap$'
says out '  [0-9]+ gaps, as in H1:PEM-'
says out '^end: 48 blocks of [0-9]+ messages'

exits 0 "$cli" demo --duration 0.5 --partitions 6 --channels 5
says out '^end: 8 blocks of'

# On a terminal: drawn in place, the cursor shown again, ended by Ctrl-C with success.
: >screen
script -qefc "stty rows 24 cols 80; echo \$\$ >pid; exec '$cli' -q demo" screen >/dev/null </dev/null &
shown=$!
await screen 'H1:GDS-CALIB_STRAIN +.* ms +(ok|GAP)'
await screen '\[[0-9]+A.*GPS'
kill -INT "$(cat pid)"
code=0
wait $shown || code=$?
[ $code = 0 ] || complain "Ctrl-C on a terminal ended with $code"
says screen '\[\?25l'
tail -5 screen | grep -q '\[?25h.*end: ' || complain "the cursor stayed hidden"

finish
