# SPDX-License-Identifier: Apache-2.0
# Sourced by every *.test.sh: "$1" is the program, the directory is fresh.
set -u
cli=$1
here=$(cd "$(dirname "$0")" && pwd)
failures=0
unset ARRAKIS_SERVER ARRAKIS_LOG_LEVEL
export LC_ALL=C.UTF-8 TZ=UTC

complain() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# same NAME EXPECTED-FILE ACTUAL-FILE
same() {
    diff -u "$2" "$3" || complain "$1"
}

# exits CODE COMMAND...: stdout in ./out, stderr in ./err
exits() {
    local wanted=$1 code=0
    shift
    "$@" >out 2>err || code=$?
    if [ "$code" != "$wanted" ]; then
        complain "'$*' ended with $code, wanted $wanted"
        cat err
    fi
}

# prints COMMAND... < EXPECTED: ends with 0, that on stdout, nothing on stderr
prints() {
    cat >expected
    exits 0 "$@"
    same "stdout of '$*'" expected out
    same "stderr of '$*'" /dev/null err
}

# calmly CONDITION COMMAND...: it exits with 0, and the condition holds of ./out; what a loaded machine holds up for
# a second is missing in live data, so it may do so at the fifth time
calmly() {
    local condition=$1 try
    shift
    for try in 1 2 3 4 5; do
        exits 0 "$@"
        eval "$condition" && return
    done
    complain "after '$*' not $condition"
    cat out
}

# says FILE PATTERN: a line of the file matches the extended regular expression
says() {
    grep -qE -- "$2" "$1" || {
        complain "no line of $1 matches '$2'"
        cat "$1"
    }
}

# await FILE PATTERN: until a line of the growing file matches, at most 90 s. The file must be there
# before its writer starts in the background.
await() {
    timeout 90 sh -c 'tail -n +1 -f "$1" | grep -qE -m 1 -- "$2"' - "$1" "$2" || {
        complain "'$2' did not appear in $1"
        cat "$1"
        return 1
    }
}

# interrupted SIGNAL FILE PATTERN COMMAND...: stdout to the file, stderr to ./err; the signal once a
# line matches. It must end with 0.
interrupted() {
    local signal=$1 file=$2 pattern=$3 code=0 running
    shift 3
    : >"$file"
    "$@" >"$file" 2>err &
    running=$!
    await "$file" "$pattern" || signal=KILL
    kill -"$signal" $running
    wait $running || code=$?
    [ $code = 0 ] || complain "'$*' after SIG$signal ended with $code"
}

# start_demo OPTION...: in the background until the script ends; sets $broker
start_demo() {
    : >demo.out
    "$cli" -q demo "$@" >demo.out 2>demo.err &
    demo=$!
    trap 'kill "$demo" 2>/dev/null; wait "$demo"' EXIT
    await demo.out '^GPS .* [0-9]+ blocks' || exit 1
    broker=$(sed -n 's/^broker \([0-9.:]*\): .*/\1/p' demo.out)
}

finish() {
    if [ -n "${demo-}" ]; then
        local code=0
        trap - EXIT
        kill -TERM "$demo"
        wait "$demo" || code=$?
        [ $code = 0 ] || complain "the demonstration ended with $code: $(cat demo.err)"
    fi
    [ "$failures" = 0 ] || echo "$failures failed"
    exit $((failures > 0))
}
