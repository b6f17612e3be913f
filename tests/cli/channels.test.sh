#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# find, count and describe of a file of channels.
. "$(dirname "$0")/helpers.sh"
file="--metadata $here/channels.jsonl"

prints "$cli" find . $file <<'EOF'
name                 data_type  sample_rate       stride
H1:GDS-CALIB_STRAIN  float32        16384.0     62500000
H1:PEM_TEMP          float64           16.0     62500000
L1:STATE             uint32            16.0            -
L1:AUX-SLOW          int64             0.25  60000000000
EOF

prints "$cli" search H1 $file --table-full <<'EOF'
name                 data_type  sample_rate                 time  publisher  partition_id  partition_index    stride  max_latency  replay_id
H1:GDS-CALIB_STRAIN  float32        16384.0                    -  H1_GDS     H1_GDS_0                    3  62500000   1000000000  -
H1:PEM_TEMP          float64           16.0  1400000000000000000  H1_PEM     -                           -  62500000            -  -
EOF

# The pattern begins at the name's first character and need not reach its end.
prints "$cli" list 'L1:S' $file --str <<'EOF'
L1:STATE
EOF
prints "$cli" find 'STATE' $file </dev/null
prints "$cli" find 'L1:(STATE|NONE)$' $file --str <<'EOF'
L1:STATE
EOF

prints "$cli" find . $file --min-rate 16 --max-rate=16 --str <<'EOF'
H1:PEM_TEMP
L1:STATE
EOF
prints "$cli" find . $file --data-type float32 --dtype i8 --str <<'EOF'
H1:GDS-CALIB_STRAIN
L1:AUX-SLOW
EOF
prints "$cli" find . $file --publisher H1_PEM --publisher OTHER --str <<'EOF'
H1:PEM_TEMP
EOF
prints "$cli" find . $file --replay-id o4 --str <<'EOF'
V1:OLD-STRAIN
EOF

prints "$cli" find . $file --json <<'EOF'
{"name": "H1:GDS-CALIB_STRAIN", "data_type": "float32", "sample_rate": 16384.0, "publisher": "H1_GDS", "partition_id": "H1_GDS_0", "partition_index": 3, "stride": 62500000, "max_latency": 1000000000}
{"name": "H1:PEM_TEMP", "data_type": "float64", "sample_rate": 16.0, "time": 1400000000000000000, "publisher": "H1_PEM", "stride": 62500000}
{"name": "L1:STATE", "data_type": "uint32", "sample_rate": 16.0}
{"name": "L1:AUX-SLOW", "data_type": "int64", "sample_rate": 0.25, "stride": 60000000000}
EOF
for format in --json-pp --json-abrv; do
    prints "$cli" find 'H1:P' $file $format <<'EOF'
{
    "name": "H1:PEM_TEMP",
    "data_type": "float64",
    "sample_rate": 16.0,
    "time": 1400000000000000000,
    "publisher": "H1_PEM",
    "stride": 62500000
}
EOF
done
prints "$cli" find '[HL]1:[PS]' $file --repr <<'EOF'
<H1:PEM_TEMP, 16.0 Hz, 'float64', time=1_400_000_000_000_000_000, publisher='H1_PEM', stride=62_500_000>
<L1:STATE, 16.0 Hz, 'uint32'>
EOF
prints "$cli" find '[HL]1:[PS]' $file --pprint <<'EOF'
{'data_type': 'float64',
 'name': 'H1:PEM_TEMP',
 'publisher': 'H1_PEM',
 'sample_rate': 16.0,
 'stride': 62500000,
 'time': 1400000000000000000}
{'data_type': 'uint32', 'name': 'L1:STATE', 'sample_rate': 16.0}
EOF

prints "$cli" count $file <<<4
prints "$cli" count 'H1' $file --json <<<2
prints "$cli" count $file --dtype float32 --replay-id o4 <<<1

# describe: in the order asked for, each name once, from arguments and stdin.
prints "$cli" describe L1:STATE H1:PEM_TEMP L1:STATE $file --str <<'EOF'
L1:STATE
H1:PEM_TEMP
EOF
printf '# wanted\n\n  L1:AUX-SLOW \r\nH1:PEM_TEMP' >names
cat >wanted <<'EOF'
L1:STATE
L1:AUX-SLOW
H1:PEM_TEMP
EOF
exits 0 "$cli" show L1:STATE - $file --str <names
same "names from stdin" wanted out
# What describe prints is what --metadata reads.
"$cli" describe L1:AUX-SLOW H1:GDS-CALIB_STRAIN $file --json >again.jsonl
"$cli" find . --metadata again.jsonl --json >out
same "read back" again.jsonl out

exits 1 "$cli" describe L1:STATE L1:NONE X:Y $file
says err "'L1:NONE', 'X:Y'"
exits 1 "$cli" describe - $file </dev/null
says err 'no channel was named'
exits 1 "$cli" find '(' $file
says err "pattern '\('"
exits 1 "$cli" find . --metadata none.jsonl
says err 'none.jsonl: No such file'
echo '{"name": "H1:A", "data_type": "float16", "sample_rate": 1}' >bad.jsonl
exits 1 "$cli" find . --metadata bad.jsonl
says err 'bad.jsonl.*1.*float16'

# A name cannot steer the terminal.
printf '{"name": "H1:\\u001b[2J", "data_type": "int32", "sample_rate": 1}\n' >escape.jsonl
if "$cli" find . --metadata escape.jsonl --str >out 2>err && grep -q "$(printf '\033')" out; then
    complain "an escape sequence was passed on"
fi
# Nor can it turn the rest of its row around: U+202E, which JSON and Python's notation escape.
printf '{"name": "H1:A\\u202eB", "data_type": "int32", "sample_rate": 1}\n' >turned.jsonl
for format in table str repr json; do
    if ! "$cli" find . --metadata turned.jsonl --$format >out 2>err; then
        complain "--$format fails"
    elif grep -q "$(printf '\342\200\256')" out; then
        complain "--$format passes a control of bidirectional text on"
    fi
done
"$cli" find . --metadata turned.jsonl --json >out
says out 'H1:A.u202eB'

finish
