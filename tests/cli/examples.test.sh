#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The examples, and the one in README.md, against the demonstration's broker.
. "$(dirname "$0")/helpers.sh"
start_demo --duration 60
examples=$(dirname "$cli")/tests
counter=H1:DAQ-FRAME_COUNT

exits 0 "$examples/example_readme" "$broker" $counter
[ "$(grep -cE '^[0-9]{19}: 1 samples of uint32, 0 missing$' out)" = 3 ] || {
    complain "README's example"
    cat out
}

finish
