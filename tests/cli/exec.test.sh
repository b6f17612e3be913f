#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# exec, and servers behind ssh, with an ssh of our own: it notes its arguments and stands in for the
# far side. What it forwards leads nowhere: the real one is in tests/interop.
. "$(dirname "$0")/helpers.sh"

mkdir bin
cat >bin/ssh <<'SSH'
#!/bin/bash
# FAKE_MODE: what goes wrong. FAKE_SERVER: ARRAKIS_SERVER over there.
printf '%s\n' "$@" >>ssh.args
echo . >>ssh.args
echo $$ >>ssh.pids
case " $* " in
*' -O forward '*)
    [ "${FAKE_MODE-}" != taken ] || { echo "bind: Address already in use" >&2; exit 255; }
    [ "${FAKE_MODE-}" != stuck ] || exec cat
    exit
    ;;
esac
case ${FAKE_MODE-} in
refuse) echo "ssh: connect to host: Connection refused" >&2; exit 255 ;;
kill) kill -9 $$ ;;
silent) exec cat ;;
deaf) trap '' TERM; while :; do read -r -t 100 <>fifo; done ;;
lose) echo Welcome; echo arrakis-forward-ready; exit 255 ;;
esac
echo Welcome
if [ -n "${FAKE_SERVER-}" ]; then export ARRAKIS_SERVER=$FAKE_SERVER; else unset ARRAKIS_SERVER; fi
eval "${!#}"
SSH
chmod +x bin/ssh
export PATH=$PWD/bin:$PATH

# gone: no ssh that was begun is left, not even as a zombie
gone() {
    local pid
    while read -r pid; do
        ! kill -0 "$pid" 2>/dev/null || complain "ssh $pid is left after $*"
    done <ssh.pids
    rm -f ssh.pids
}

# ---- without ssh

prints "$cli" exec 'echo $ARRAKIS_SERVER' <<<grpc://localhost:31206
prints "$cli" -u foo exec -- echo '$ARRAKIS_SERVER' '&& echo "a  b"' <<<$'grpc://foo:31206\na  b'
prints "$cli" -u grpc+tls://foo:12 proxy 'echo $ARRAKIS_SERVER' <<<grpc+tls://foo:12
ARRAKIS_SERVER=bar:1 prints "$cli" exec 'echo $ARRAKIS_SERVER' <<<grpc://bar:1
exits 7 "$cli" exec 'exit 7'
exits 143 "$cli" exec 'kill $$'
exits 127 "$cli" exec no-such-command-here
exits 2 "$cli" -u 'a b' exec true
says err "server 'a b': its host is not a name"
for signal in INT TERM; do
    interrupted $signal line '^ARRAKIS_SERVER=grpc://localhost:31206$' "$cli" exec
done
# the command ends by itself once there is `go`, or by a SIGTERM that is passed on to it
command='trap "exit 5" TERM; echo begun; until [ -e go ]; do sleep 0.1; done; exit 3'
interrupted TERM line '^begun' "$cli" exec "$command"
: >line
"$cli" exec "$command" >line &
running=$!
await line '^begun'
kill -INT $running
touch go
wait $running || complain "exec after SIGINT: $?"
rm go
[ ! -e ssh.pids ] || complain "ssh was run without being asked for"

# ---- the arguments of ssh

rm -f ssh.args
exits 0 "$cli" -u 'ssh://me@far:2222::inner:99' exec --bind localhost:4711 'echo $ARRAKIS_SERVER'
echo grpc://localhost:4711 | diff - out || complain 'ARRAKIS_SERVER of a forwarded port'
paste -sd ' ' ssh.args >args
says args ' -S none -o ExitOnForwardFailure=yes .*-L localhost:4711:inner:99 -p 2222 -- me@far echo arrakis-forward-ready; exec cat \.$'
gone exec

forwards() { # URL DESTINATION REMOTE: with the far end named, one ssh does it all
    rm -f ssh.args
    exits 0 "$cli" -u "$1" exec --bind 127.0.0.1:0 true
    paste -sd ' ' ssh.args >args
    says args " -L 127\\.0\\.0\\.1:[1-9][0-9]*:$3 $2 echo arrakis-forward-ready; exec cat \\.\$"
    [ "$(grep -c '^-T$' ssh.args)" = 1 ] || complain "$1 logs in more than once"
}
asks_and_forwards() { # the same: logged in once, it tells the server and then forwards
    rm -f ssh.args
    exits 0 "$cli" -u "$1" exec --bind 127.0.0.1:0 true
    paste -sd ' ' ssh.args >args
    says args " -M -S /[^ ]*/s -o ControlPersist=no $2 echo .*; printenv ARRAKIS_SERVER; echo .*; exec cat \\. "
    says args " -S /[^ ]*/s -O forward -L 127\\.0\\.0\\.1:[1-9][0-9]*:$3 $2 \\.\$"
    [ "$(grep -c '^-T$' ssh.args)" = 1 ] || complain "$1 logs in more than once"
    [ ! -e "$(grep -m 1 -A 1 '^-S$' ssh.args | tail -1)" ] || complain "$1 leaves a socket"
}
asks_and_forwards ssh://far '-- far' localhost:31206
asks_and_forwards ssh://far: '-- far' localhost:31206
asks_and_forwards ssh://far/ '-- far' localhost:31206
forwards 'ssh://[fe80::1]:22::[::1]:5' '-p 22 -- fe80::1' '\[::1\]:5'
forwards ssh://far:: '-- far' localhost:31206
forwards ssh://far:::5 '-- far' localhost:5
forwards ssh://far::grpc://inner '-- far' inner:31206
FAKE_SERVER=inner:77 asks_and_forwards ssh://far '-- far' inner:77
FAKE_SERVER=grpc://inner asks_and_forwards ssh://me@far:22 '-p 22 -- me@far' inner:31206
FAKE_SERVER=ignored forwards ssh://far::named '-- far' named:31206
ARRAKIS_SERVER=ssh://far exits 0 "$cli" exec --bind localhost:0 '[ "${ARRAKIS_SERVER#grpc://localhost:}" -gt 0 ]'
FAKE_SERVER='-oProxyCommand=x' exits 1 "$cli" -u ssh://far exec true
says err "ARRAKIS_SERVER on far is '-oProxyCommand=x': its host"
gone forwards

# ---- hostile URLs: ssh is not even run

for url in ssh:// ssh://-oProxyCommand=x ssh://-v ssh://-l@far ssh://@far ssh://me@-far 'ssh://a;b' 'ssh://$(a)' \
    'ssh://a b' ssh://far:0 ssh://far:65536 ssh://far:x ssh://far::-x 'ssh://far::a;b' ssh://far::a:b ssh://far/x \
    'ssh://[x]' 'ssh://[::1' ssh://far:22:33 ssh://far::a:1:2 "ssh://$(printf 'a%.0s' {1..300})"; do
    exits 2 "$cli" -u "$url" exec true
    says err "^arrakis-cli: 'ssh://.*expected ssh://"
done
exits 2 "$cli" -u ssh://far exec --bind 'a,b:1' true
says err "^arrakis-cli: --bind is 'a,b:1': its host"
[ ! -e ssh.pids ] || complain "ssh was run with a hostile URL: $(cat ssh.args)"

# ---- ssh that fails, hangs, ends

url=ssh://far::inner
FAKE_MODE=refuse exits 1 "$cli" -u $url exec 'echo not run'
same "stdout after a refusal" /dev/null out
says err 'ssh: connect to host: Connection refused'
says err '^arrakis-cli: ssh to far failed with exit status 255$'
FAKE_MODE=refuse exits 1 "$cli" -u $url domains
says err '^arrakis-cli: ssh to far failed with exit status 255$'
FAKE_MODE=kill exits 1 "$cli" -u $url exec true
says err '^arrakis-cli: ssh to far was ended by signal 9$'
FAKE_MODE=silent exits 1 "$cli" -u $url exec --timeout 0.2 true
says err '^arrakis-cli: ssh to far was not ready within 0.2 s$'
mkfifo fifo
FAKE_MODE=deaf exits 1 "$cli" -u $url exec --timeout 0.2 true
FAKE_MODE=lose exits 1 "$cli" -u $url exec
says err '^arrakis-cli: ssh exited'
FAKE_MODE=refuse exits 1 "$cli" -u ssh://far exec true
says err '^arrakis-cli: ssh to far failed with exit status 255$'
FAKE_MODE=taken exits 1 "$cli" -u ssh://far exec 'echo not run'
same "stdout where the port is taken" /dev/null out
says err '^bind: Address already in use$'
says err '^arrakis-cli: ssh to far failed with exit status 255$'
FAKE_MODE=stuck exits 1 "$cli" -u ssh://far exec --timeout 0.2 true
says err '^arrakis-cli: ssh to far was not ready within 0.2 s$'
PATH=/nowhere exits 1 "$(command -v "$cli")" -u $url exec true
says err 'cannot run ssh: No such file'
exits 1 "$cli" -u $url domains --timeout 5
says err '^arrakis-cli: .*(127\.0\.0\.1:[1-9]|Flight)'
gone failures

# ---- until it is ended, in whichever way

for signal in INT TERM; do
    interrupted $signal line '^ARRAKIS_SERVER=grpc://localhost:[1-9]' "$cli" -u $url exec --bind localhost:0
    same "stderr after SIG$signal" /dev/null err
    gone SIG$signal
    export FAKE_MODE=silent
    : >ssh.pids
    "$cli" -u $url exec 2>err &
    running=$!
    await ssh.pids .
    kill -$signal $running
    wait $running || complain "SIG$signal before ssh was ready: $?"
    gone "SIG$signal while waiting"
    unset FAKE_MODE
done
: >line
"$cli" -u $url exec --bind localhost:0 >line &
running=$!
await line ARRAKIS_SERVER
kill -KILL $running
wait $running 2>/dev/null
timeout 30 tail --pid="$(cat ssh.pids)" -f /dev/null || complain "ssh outlived a killed exec"

finish
