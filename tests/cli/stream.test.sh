#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stream and fetch from the demonstration's broker, whose frame counter counts strides.
. "$(dirname "$0")/helpers.sh"
start_demo --duration 600 # it is ended with the test, which a loaded machine makes long
source="--kafka-url $broker -X fetch.wait.max.ms=5 --latency-tolerance 60"
counter=H1:DAQ-FRAME_COUNT
fast=H1:GDS-CALIB_STRAIN

# The counter's values, one per line, from JSON lines on stdin.
values() {
    sed -n "s/.*\"$counter\": \[\([^]]*\)\].*/\1/p" | tr -d ' ' | tr ',' '\n'
}

# consecutive COUNT < values
consecutive() {
    awk -v n="$1" 'NR > 1 && $1 != last + 1 { bad = 1 } { last = $1 } END { exit bad || NR != n }'
}

exits 0 "$cli" -q find . --kafka-url "$broker" --str
[ "$(wc -l <out)" = 12 ] || complain "the metadata topics gave $(wc -l <out) channels"
exits 0 "$cli" -q describe $counter --kafka-url "$broker" --json
cp out counter.jsonl
same "the counter's metadata" - out <<'EOF'
{"name": "H1:DAQ-FRAME_COUNT", "data_type": "uint32", "sample_rate": 16.0, "publisher": "SIM_2", "partition_id": "SIM_2", "partition_index": 2, "stride": 62500000, "max_latency": 1000000000}
EOF

# Three blocks: whole lines of the one form, times one stride apart, consecutive values.
calmly 'values <out | consecutive 3' "$cli" -q stream $source $counter --json --count 3
same "stderr of stream" /dev/null err
sed -E 's/"time_ns": [0-9]+/"time_ns": T/; s/\[[0-9]+\]/[N]/' out | sort -u >forms
same "form of a block" - forms <<EOF
{"time_ns": T, "data": {"$counter": [N]}, "channels": {"$counter": $(cat counter.jsonl)}, "_duration_ns": 62500000}
EOF
sed -E 's/.*"time_ns": ([0-9]+).*/\1/' out >times
first=$(head -1 times)
same "times of blocks" <(for i in 0 1 2; do echo $((first + i * 62500000)); done) times

# Several partitions, names from stdin, metadata from a file.
"$cli" -q find . --kafka-url "$broker" --json >all.jsonl
printf '%s\n' '# from three partitions' $fast $counter H1:PEM-CS_TEMPERATURE >names
three() {
    "$cli" -q stream $source --metadata all.jsonl - --json --count 2 <names
}
calmly '[ "$(grep -c "\"$fast\": \[-\?[0-9]" out)" = 2 ]' three
[ "$(sed -n "1s/.*\"$fast\": \[\([^]]*\)\].*/\1/p" out | tr ',' '\n' | wc -l)" = 1024 ] ||
    complain "a stride of 16384 Hz is 1024 samples"

calmly 'values <out | consecutive 8' "$cli" -q stream $source $counter --json --count 2 --stride 0.25
calmly 'values <out | consecutive 8' "$cli" -q stream $source $counter --json --duration 0.5
calmly 'values <out | consecutive 8' "$cli" -q fetch $source $counter --json --duration 0.5
[ "$(wc -l <out)" = 1 ] || complain "fetch printed $(wc -l <out) lines"
calmly 'values <out | consecutive 1' "$cli" -q fetch $source $counter --json
exits 0 "$cli" -q fetch $source $counter --json-pp
says out '^    "_duration_ns": 62500000$'
exits 1 "$cli" -q stream $source $counter --stride 0.1
says err 'stride'

exits 0 "$cli" -q stream $source $counter --str --count 2 --latency
sed -E 's/[0-9]+\.[0-9]{6} s$/S/' err >latencies
same "lines of latency" - latencies <<'EOF'
block 0 latency: S
block 1 latency: S
EOF
exits 0 "$cli" -q stream $source $counter $fast --count 2
sed -E 's/\[.*\]/[...]/; s/GPS .*/GPS/; s/ (True|False) +\[/ - [/' out >table
same "tables of blocks" - table <<EOF
channel              data_type  sample_rate  samples  has_gaps  data
H1:DAQ-FRAME_COUNT   uint32            16.0        1  - [...]
H1:GDS-CALIB_STRAIN  float32        16384.0     1024  - [...]
GPS
channel              data_type  sample_rate  samples  has_gaps  data
H1:DAQ-FRAME_COUNT   uint32            16.0        1  - [...]
H1:GDS-CALIB_STRAIN  float32        16384.0     1024  - [...]
GPS
EOF

# Whoever reads may stop: quietly, and with success.
{ "$cli" -q stream $source $counter --json 2>err; echo $? >code; } | head -2 >two
[ "$(wc -l <two)" = 2 ] || complain "a closed pipe saw $(wc -l <two) lines"
same "exit code of a closed pipe" <(echo 0) code
same "stderr of a closed pipe" /dev/null err
code=0
"$cli" -q stream $source $counter --json >/dev/full 2>err || code=$?
[ "$code" = 1 ] || complain "a full disk ended with $code"
says err 'No space left on device'

# Ctrl-C and SIGTERM end in good order, within a block.
for signal in INT TERM; do
    interrupted $signal live time_ns "$cli" -q stream $source $counter --json
    same "stderr after SIG$signal" /dev/null err
    [ -z "$(tail -c 1 live)" ] || complain "SIG$signal cut a line"
done

# An Arrow stream has its end marker, also when it is interrupted.
ends_arrow() {
    same "first bytes of $1" <(echo ' ff ff ff ff') <(head -c 4 "$1" | od -An -tx1)
    same "end of $1" <(echo ' ff ff ff ff 00 00 00 00') <(tail -c 8 "$1" | od -An -tx1)
}
exits 0 "$cli" -q fetch $source $counter --arrow
cp out one
ends_arrow one
exits 0 "$cli" -q stream $source $counter $fast --count 4 --arrow
cp out four
ends_arrow four
[ "$(wc -c <four)" -gt $((4 * 4 * 1024)) ] || complain "four blocks are $(wc -c <four) bytes"
interrupted INT many "$counter" "$cli" -q stream $source $counter --arrow
ends_arrow many

# A table on a terminal is drawn in place, cut to its width, and leaves the cursor shown.
code=0
script -qefc "stty rows 24 cols 60; exec '$cli' -q stream $source $counter $fast --count 3" screen \
    >/dev/null </dev/null || code=$?
[ $code = 0 ] || complain "a stream on a terminal ended with $code"
[ "$(grep -c 'A[^ ]*channel' screen)" = 2 ] || complain "frames drawn over an earlier one"
says screen '\[\?25l.*channel'
grep -q '\[?25h' screen || complain "the cursor stayed hidden"
says screen '^H1:GDS-CALIB_STRAIN +float32 .{1,30}…'
code=0
script -qefc "exec '$cli' -q stream $source $counter --arrow" screen >/dev/null </dev/null || code=$?
[ $code = 2 ] || complain "--arrow on a terminal ended with $code"

# A run goes on where the one before has stopped, whatever --start is, also after an interrupt.
exits 0 "$cli" -q stream $source $counter --json --count 3 --state position
cp out runs
says position '^arrakis-state 1 [0-9]+$'
exits 0 "$cli" -q stream $source $counter --json --count 4 --state position --start now
cat out >>runs
interrupted INT more time_ns "$cli" -q stream $source $counter --json --state position
cat more >>runs
exits 0 "$cli" -q stream $source $counter --json --count 2 --state position
cat out >>runs
# a null is of a stride that the demonstration left out, which it does where the machine pauses for a second
values <runs | awk '$1 == "null" { $1 = last + 1 } { print last = $1 }' | consecutive "$(wc -l <runs)" ||
    complain "blocks of four runs"
[ "$(ls position*)" = position ] || complain "left beside the state: $(ls position*)"
last=$(sed -n 's/^arrakis-state 1 //p' position)
same "the end of the last block" <(sed -E '$!d; s/.*"time_ns": ([0-9]+).*/\1/' runs) <(echo $((last - 62500000)))
echo "of a run that was killed" >position.tmp
exits 0 "$cli" -q stream $source $counter --json --state position --end $((last / 1000000000 - 1))
same "what is left before the end" /dev/null out
[ "$(ls position*)" = position ] || complain "left beside the state: $(ls position*)"
exits 0 "$cli" -q stream $source $counter --arrow --state position --end $((last / 1000000000 - 1))
[ "$(head -c 4 out | od -An -tx1)$(tail -c 8 out | od -An -tx1)" = " ff ff ff ff ff ff ff ff 00 00 00 00" ] ||
    complain "an Arrow stream without a block has no schema or no end"

# What is no state file is refused, and left as it is.
not_a_state() { # WHAT IT DOES, < CONTENTS
    cat >hostile
    cp hostile before
    exits 1 "$cli" -q stream $source $counter --state hostile --count 1
    same "stdout with a state that $1" /dev/null out
    says err "'hostile' is no state file of arrakis-cli: it $1, expected one line, 'arrakis-state 1 '"
    same "the file that $1" before hostile
}
not_a_state "is empty" </dev/null
not_a_state "begins with 'arrakis-state 2 5'" <<<"arrakis-state 2 5"
not_a_state "begins with 'arrakis-state 1 '" <<<"arrakis-state 1 "
not_a_state "begins with 'arrakis-state 1 -5'" <<<"arrakis-state 1 -5"
not_a_state "begins with 'arrakis-state 1 5x'" <<<"arrakis-state 1 5x"
not_a_state "begins with 'arrakis-state 1 2305843009213693952'" <<<"arrakis-state 1 2305843009213693952"
not_a_state "begins with 'arrakis-state 1 5'" < <(printf 'arrakis-state 1 5')
not_a_state "begins with 'arrakis-state 1 5'" < <(printf 'arrakis-state 1 5\0\n')
not_a_state "begins with '.[[]2Jhello'" < <(printf '\033[2Jhello\n')
not_a_state "has too many bytes" < <(head -c 100000 /dev/zero)
mkfifo pipe
for other in pipe .; do
    exits 1 "$cli" -q stream $source $counter --state $other --count 1
    says err "'$other' is no state file of arrakis-cli: it is no regular file"
done
exits 1 "$cli" -q stream $source $counter --state nowhere/position --count 1
says err "cannot save the state in 'nowhere/position': No such file"
# What is in the way of the new file is neither written to nor waited for.
cp before kept
ln -s kept position2.tmp
exits 0 timeout 60 "$cli" -q stream $source $counter --state position2 --count 1
same "the file that a link led to" before kept
rm position2
mkfifo position2.tmp
exits 0 timeout 60 "$cli" -q stream $source $counter --state position2 --count 1
says position2 '^arrakis-state 1 [0-9]+$'
mkdir position2.tmp
exits 1 "$cli" -q stream $source $counter --state position2 --count 1
says err "cannot save the state in 'position2': File exists"

exits 1 "$cli" -q stream $source H1:NONE
says err "'H1:NONE'"

finish
