#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Long listings, and outputs that cannot be written.
. "$(dirname "$0")/helpers.sh"

for i in $(seq 1 1500); do
    echo "{\"name\": \"H1:CH-$i\", \"data_type\": \"float32\", \"sample_rate\": 16, \"stride\": 62500000}"
done >many.jsonl

# Beyond 1000 rows the columns keep the widths of the first ones.
exits 0 "$cli" find . --metadata many.jsonl
[ "$(wc -l <out)" = 1501 ] || complain "a table of 1500 channels has $(wc -l <out) lines"
sed -n '1p;2p;1501p' out >lines
same "first and last lines" - lines <<'EOF'
name        data_type  sample_rate       stride
H1:CH-1     float32           16.0     62500000
H1:CH-1500  float32           16.0     62500000
EOF
# Up to then they are as wide as they need to be.
head -999 many.jsonl >fewer.jsonl
"$cli" find . --metadata fewer.jsonl | sed -n '1p;1000p' >lines
same "lines of 999" - lines <<'EOF'
name       data_type  sample_rate    stride
H1:CH-999  float32           16.0  62500000
EOF

# A reader that has seen enough ends the listing, quietly and with success.
for format in --table --json --str; do
    { "$cli" find . --metadata many.jsonl $format 2>err; echo $? >code; } | head -1 >/dev/null
    same "stderr of a closed pipe, $format" /dev/null err
    same "exit code of a closed pipe, $format" <(echo 0) code
done

for format in --table --json; do
    code=0
    "$cli" find . --metadata many.jsonl $format >/dev/full 2>err || code=$?
    [ "$code" = 1 ] || complain "a full disk ended with $code"
    says err 'No space left on device'
done
code=0
"$cli" count --metadata many.jsonl >/dev/full 2>err || code=$?
[ "$code" = 1 ] || complain "count on a full disk ended with $code"

finish
