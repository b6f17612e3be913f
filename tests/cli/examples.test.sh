#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The examples, and the one in README.md, against the demonstration's broker.
. "$(dirname "$0")/helpers.sh"
start_demo --duration 600 # it is ended with the test, which a loaded machine makes long
examples=$(dirname "$cli")/tests
counter=H1:DAQ-FRAME_COUNT

lines() { # COUNT PATTERN: so many lines of ./out match
    [ "$(grep -cE -- "$2" out)" = "$1" ]
}

calmly "lines 3 '^[0-9]{19}: 1 samples of uint32, 0 missing$'" "$examples/example_readme" "$broker" $counter

# docs/guide.md
exits 0 "$examples/example_guide" "$broker" 'H1:(GDS|DAQ)'
says out '^H1:DAQ-FRAME_COUNT: uint32, 16 Hz, by '
exits 1 "$examples/example_guide" "$broker" 'X1:NO-SUCH'
exits 0 "$examples/example_guide_2" "$broker" H1:GDS-CALIB_STRAIN
says out '^16384 samples, [0-9]+ missing, mean '

calmly "lines 3 '^[0-9]{19} $counter=[0-9]+$'" "$examples/example_stream" -n 3 "$broker" $counter
"$cli" describe --kafka-url "$broker" --json $counter >channels.jsonl
exits 0 "$examples/example_stream" -n 1 -m channels.jsonl "$broker" $counter
exits 1 "$examples/example_stream" "$broker" X1:NO-SUCH
exits 2 "$examples/example_stream"

exits 0 "$examples/example_epoll" "$broker" 20 $counter
says out '^20 blocks$'

exits 0 "$examples/example_publish" "$broker" 3

finish
