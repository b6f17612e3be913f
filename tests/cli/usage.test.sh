#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What was typed wrongly ends with 2 (or 1 where the reference client does), names what was found and
# what was wanted, and writes nothing on stdout.
. "$(dirname "$0")/helpers.sh"

refuses() { # CODE PATTERN ARGUMENT...
    local code=$1 pattern=$2
    shift 2
    exits "$code" "$cli" "$@" </dev/null
    same "stdout of '$*'" /dev/null out
    says err "^arrakis-cli: .*$pattern"
}

broker="--kafka-url 127.0.0.1:1"
file="--metadata $here/channels.jsonl"

refuses 2 "unknown command 'bogus'.*find, count" bogus
refuses 2 'no option --bogus' --bogus find .
refuses 2 'no option --bogus' find . --bogus
refuses 2 'no option -z' find . -z
refuses 2 '--data-type needs a value: TYPE' find . --data-type
refuses 2 '--start needs a value: TIME' stream X --start --json
refuses 2 '--json takes no value' find . --json=1
refuses 2 "'more' is one argument too many" find . more
refuses 2 'CHANNEL... is missing' stream
refuses 2 '--quiet and --verbose cannot' -q -v find .
refuses 2 '--table and --json cannot' find . --table --json
refuses 2 '--end and --duration cannot' stream X --end 1 --duration 1
refuses 2 '--state goes on from run to run, and --duration' stream X --state f --duration 1
refuses 2 '--replay-id and --replay-start cannot' stream X --replay-id r --replay-start 1
refuses 2 '--m could be --min-rate or --' find . --m 1

refuses 2 "invalid --min-rate 'fast': expected a number" find . --min-rate fast
refuses 2 "invalid --min-rate '-1': expected a number, 0 or more" find . --min-rate -1
refuses 2 "invalid --count '0': expected a whole number, 1 or more" stream X --count 0
refuses 2 "invalid --duration 'nan': expected seconds" stream X --duration nan
refuses 2 "invalid --on-gap 'ignore' .choose from fill, skip, raise." stream X --on-gap ignore
refuses 2 "--start: invalid time 'then', not a time" stream X --start then
refuses 2 "invalid --data-type 'quark': expected a type" find . $file --data-type quark
refuses 2 "invalid --property 'debug': expected KEY=VALUE" find . $broker -X debug
refuses 2 "--replay-start needs --replay-end" stream X $broker --replay-start 1
refuses 2 "invalid --channels '101': expected at most 100" demo --channels 101
refuses 2 "invalid --partitions '501': expected at most 500" demo --partitions 501

refuses 2 'no source of channels: give --kafka-url' find .
refuses 2 'no source of channels: give --kafka-url' stream X:Y
refuses 2 'no source of data: give --kafka-url' stream X:Y $file
refuses 1 'find needs a pattern' find $file
refuses 1 '--end needs --start' fetch X $broker --end 1
refuses 1 'no channel was named' stream - $broker
refuses 1 'a replay of a window of time' stream X $broker --replay-start 1 --replay-end 2
refuses 1 'has no property "colour"' find . $broker -X colour=red
refuses 1 "'H1:NONE'" stream H1:NONE $file $broker

# An option may be shortened, given more than once, and stand before or after the command.
prints "$cli" -q count . $file --dtyp f4 --json --json <<<1
# After -- nothing is an option.
exits 1 "$cli" describe $file -- --json
says err "'--json'"
# The environment's server is not asked for where a file has the answer, nor when empty.
ARRAKIS_SERVER=grpc://localhost:1 prints "$cli" count $file <<<4
ARRAKIS_SERVER='' refuses 2 'no source of channels' count

finish
