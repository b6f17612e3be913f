#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# publish: what stream reads from the demonstration's broker, published to it under another
# partition and read from there; and lines that are no blocks.
. "$(dirname "$0")/helpers.sh"
start_demo --duration 600 # it is ended with the test, which a loaded machine makes long
source="--kafka-url $broker -X fetch.wait.max.ms=5"
counter=H1:DAQ-FRAME_COUNT
fast=H1:GDS-CALIB_STRAIN

# The same channels with another publisher and one partition each.
"$cli" -q describe $source --json $counter $fast | sed -E '
    s/"publisher": "[^"]*"/"publisher": "COPY"/
    /FRAME/s/"partition_id": "[^"]*"/"partition_id": "COPY_COUNT"/
    /CALIB/s/"partition_id": "[^"]*"/"partition_id": "COPY_STRAIN"/' >copy.jsonl

# ---- there and back

# One block makes the topics: none is looked for in vain afterwards.
"$cli" -q stream $source --json --count 1 $counter $fast |
    "$cli" -q publish $source --metadata copy.jsonl || complain "the first block is not published"
: >original
"$cli" -q stream $source --json $counter $fast | tee original |
    "$cli" -q publish $source --metadata copy.jsonl 2>publish.err &
copier=$!
await original '"time_ns"'
first=$(sed -E 's/^\{"time_ns": ([0-9]+)([0-9]{9}),.*/\1.\2/;q' original)
exits 0 "$cli" -q stream $source --metadata copy.jsonl --json --start "$first" --count 8 \
    --latency-tolerance 60 $counter $fast
sed 's/, "channels": .*//' out >back
[ "$(wc -l <back)" = 8 ] || complain "read $(wc -l <back) blocks back"
kill -INT $copier
wait $copier || complain "publish ended with $? at SIGINT: $(cat publish.err)"
while read -r line; do
    grep -qF -- "$line" original || complain "came back otherwise: ${line:0:90}"
done <back

# ---- lines of one's own

block() { # TIME DATA [MORE]
    echo "{\"time_ns\": $1, \"data\": $2${3-}}"
}
publish() {
    "$cli" -q publish --kafka-url "$broker" --metadata copy.jsonl --timeout 20 "$@"
}
# refused PATTERN < LINES
refused() {
    exits 1 publish
    same "stdout of publish" /dev/null out
    says err "^arrakis-cli: stdin, line [0-9]+: .*$1"
}

t=1900000000000000000
one="{\"$counter\": [7]}"
{
    block $t "$one"
    echo
    block $((t + 62500000)) "{ \"$counter\" : [ null ] }" ", \"other\": [{\"a\\\"b\": [1, {}]}, \"]\", null]"
    # four strides in one block
    block $((t + 125000000)) "{\"$counter\": [1, 2, null, 4294967295]}" ', "_duration_ns": 250000000'
    printf '%s' "$(block $((t + 375000000)) "$one")" # no line end
} >lines
exits 0 publish <lines
same "stdout of publish" /dev/null out
same "stderr of publish" /dev/null err
exits 0 publish </dev/null

refused 'the block starts at .*expected a later one' <<<"$(block $((t + 1000000000)) "$one"; block $((t + 1000000000)) "$one")"
refused "at 66: found '}}', expected a sample" <<<"$(echo; echo; block $t "{\"$counter\": [}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [-1]}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [4294967296]}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [1.5]}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [0x10]}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [01]}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [1.]}")"
refused "expected a sample of float32" <<<"$(block $t "{\"$fast\": [0.5, 1.]}")"
refused "expected a sample of float32" <<<"$(block $t "{\"$fast\": [-00.5]}")"
refused "expected a sample of float32" <<<"$(block $t "{\"$fast\": [1.e5]}")"
refused "expected a sample of float32" <<<"$(block $t "{\"$fast\": [.5]}")"
refused 'expected a whole number' <<<"$(block 01 "$one")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [\"7\"]}")"
refused "expected a sample of uint32" <<<"$(block $t "{\"$counter\": [NaN]}")"
refused "expected ',' or ']'" <<<"$(block $t "{\"$counter\": [7 7]}")"
refused "expected an array of samples" <<<"$(block $t "{\"$counter\": 7}")"
refused "got 2 samples, expected 1" <<<"$(block $t "{\"$counter\": [7, 7]}")"
refused "got 0 samples, expected 1" <<<"$(block $t "{\"$counter\": []}")"
refused "'H1:NONE' is not one of the publisher's" <<<"$(block $t '{"H1:NONE": [7]}')"
refused "$counter" <<<"$(block $t "{\"$counter\": [7], \"$counter\": [7]}")"
refused 'no "data"' <<<"{\"time_ns\": $t}"
refused 'no "data"' <<<"{\"time_ns\": $t, \"data\": {}}"
refused 'no "time_ns"' <<<"{\"data\": $one}"
refused 'expected a whole number' <<<"$(block 1e18 "$one")"
refused 'expected a whole number' <<<"$(block 99999999999999999999 "$one")"
refused 'expected a time since 1980' <<<"$(block -1 "$one")"
refused 'expected a time since 1980' <<<"$(block 9223372036854775807 "$one")"
refused 'above 0' <<<"$(block $t "$one" ', "_duration_ns": 0')"
refused 'duration|stride' <<<"$(block $t "{\"$counter\": [7, 7]}" ', "_duration_ns": 125000001')"
refused 'the line ends' <<<"{\"time_ns\": $t, \"data\": $one"
refused "expected '\"'" <<<"{\"time_ns"
refused 'expected the end of the line' <<<"$(block $t "$one") x"
refused 'expected an object' <<<"[]"
refused 'nested deeper' <<<"{\"x\": $(printf '[%.0s' {1..100})"
refused 'expected a value' <<<'{"x": ]}'
refused 'not a string of UTF-8' <<<"{\"$(printf 'x%.0s' {1..5000})\": 1}"
printf '{"time_ns\0": 1}\n' >zero
refused "expected" <zero

# ---- Arrow

"$cli" -q stream $source --arrow --count 3 $counter $fast >blocks.arrow
exits 0 publish --arrow <blocks.arrow
same "stderr of publish --arrow" /dev/null err
head -c -100 blocks.arrow >torn.arrow
exits 1 publish --arrow <torn.arrow
says err 'stdin, after [0-9] blocks: .*torn'
exits 1 publish --arrow <lines
says err 'stdin, after 0 blocks: the input is JSON: expected an Arrow IPC stream'
gzip -c blocks.arrow >blocks.gz
exits 1 publish --arrow <blocks.gz
says err 'stdin, after 0 blocks: the input is compressed by gzip'
cat blocks.arrow lines >mixed
exits 1 publish --arrow <mixed
says err 'stdin, after 3 blocks: what follows the Arrow stream is JSON'
"$cli" -q stream $source --arrow --count 2 $counter $fast >later.arrow
cat blocks.arrow later.arrow >both.arrow
exits 0 publish --arrow <both.arrow
same "stderr of publish --arrow of two streams" /dev/null err
cat blocks.arrow blocks.arrow >twice.arrow
exits 1 publish --arrow <twice.arrow
says err 'stdin, after 4 blocks: '
exits 0 publish --arrow </dev/null
exits 1 "$cli" -q publish --kafka-url "$broker" --publisher SIM_1 --arrow <blocks.arrow
says err "column '.*' is not one of the given channels"
exits 2 publish --arrow --json
says err 'cannot be given together'

# ---- what is to be published where

exits 2 "$cli" publish --metadata copy.jsonl
says err 'give --kafka-url'
exits 2 "$cli" publish $source
says err 'whose channels\? Give --publisher'
exits 2 "$cli" publish $source --metadata copy.jsonl --loop </dev/null
says err 'stdin comes once, expected files'
exits 1 "$cli" publish $source --metadata copy.jsonl none.h5
says err 'none.h5: No such file'
exits 1 "$cli" publish $source --metadata copy.jsonl "$0"
says err "it begins with '#!/bin"
exits 1 "$cli" publish $source --publisher NOBODY </dev/null
says err "no live channel is known of publisher NOBODY"
exits 1 "$cli" publish $source --metadata copy.jsonl --publisher NOBODY </dev/null
says err "no live channel is known of publisher NOBODY"
: >empty
exits 1 "$cli" publish $source --metadata copy.jsonl --replay-id GWTC </dev/null
says err "no replay's channel is known"
exits 1 "$cli" publish $source --metadata empty </dev/null
says err 'no live channel is known: '
sed 's/"publisher": "COPY", //' copy.jsonl >anonymous.jsonl
exits 2 "$cli" publish $source --metadata anonymous.jsonl </dev/null
says err 'give --publisher'
exits 0 "$cli" -q publish $source --metadata anonymous.jsonl --publisher MINE </dev/null
# ---- properties out of a file, where no list of processes shows them

file_refused() { # PATTERN < FILE
    cat >properties
    exits 1 "$cli" -q find $source -X @properties .
    same "stdout with -X @FILE" /dev/null out
    says err "^arrakis-cli: properties, line $1"
    ! grep -q SECRET err || complain "a value is printed: $(cat err)"
}
cat >properties <<'END'
# comments, blank lines and blanks around what counts

! of Java's kind too
  client.id =  x = y
END
printf 'linger.ms=5\r\nfetch.wait.max.ms=7' >>properties
for command in "find ." "count ." "describe $counter" "fetch --duration 0.0625 $counter"; do
    exits 0 "$cli" -q ${command%% *} $source -X @properties ${command#* }
done
exits 0 publish -X @properties </dev/null
exits 0 publish -X @<(echo client.id=x) </dev/null
ARRAKIS_PROPERTIES=properties exits 0 publish </dev/null
echo 'no.such=SECRET' >wrong
# the file that the environment names comes first, then each -X in its order
ARRAKIS_PROPERTIES=wrong exits 1 publish -X @properties </dev/null
says err 'property "no.such"'
exits 1 publish -X @properties -X @wrong </dev/null
says err 'property "no.such"'
echo 'socket.timeout.ms=SECRET' >wrong
exits 1 publish -X @wrong </dev/null
says err 'socket.timeout.ms'
file_refused '2: expected KEY=VALUE$' <<<$'client.id=x\nSECRET'
file_refused '1: expected KEY=VALUE$' <<<' =SECRET'
file_refused "1: it ends in" <<<'ssl.key.password=SECRET\'
file_refused '1: a control character' <<<$'client.id=SECRET\x01'
printf 'client.id=x\nclient.id=x\0SECRET\n' >zero
file_refused '2: a control character' <zero
exits 1 publish -X @nowhere </dev/null
says err 'properties of nowhere: No such file'
exits 1 publish -X @. </dev/null
says err 'properties of \.: Is a directory'
exits 1 publish -X @/dev/zero </dev/null
says err 'properties of /dev/zero: over 1024 KiB'
head -c 1048576 /dev/zero | tr '\0' '#' >comment
exits 0 publish -X @comment </dev/null
echo >>comment
exits 1 publish -X @comment </dev/null
says err 'over 1024 KiB'
yes client.id=x | head -n 1000 >many
exits 0 publish -X @many </dev/null
exits 1 publish -X @many -X client.id=x </dev/null
says err 'over 1000 properties'
exits 2 publish -X =x </dev/null
says err 'expected KEY=VALUE or @FILE'

# by the broker's metadata topics
block $((t + 5000000000)) '{"H1:PEM-CS_TEMPERATURE": [-0.5]}' >temperature
exits 0 "$cli" -q publish --kafka-url "$broker" --publisher SIM_1 <temperature
same "stderr of publish" /dev/null err

# What nobody takes is dropped, up to so many in a row; what is dropped is counted.
for i in 1 2 3 4; do block $((t + 9000000000 + i * 62500000)) "$one"; done >four_lines
nowhere() { # CODE MORE...
    local code=$1
    shift
    exits "$code" "$cli" -q publish --kafka-url 127.0.0.1:1 --metadata copy.jsonl --timeout 0.2 "$@" <four_lines
}
nowhere 1
[ "$(grep -c '^arrakis-cli: stdin, line [1-4]: dropped: block at ' err)" = 4 ] || complain "four dropped blocks"
says err '^arrakis-cli: 4 of 4 blocks were not delivered'
nowhere 1 --max-failures 3
says err '^arrakis-cli: stdin, line 3: block at .*; the publisher gives up \(failures in a row: 3\)$'
says err '^arrakis-cli: 3 of 3 blocks were not delivered'
nowhere 1 --max-failures 1
says err '^arrakis-cli: stdin, line 1: block at '

finish
