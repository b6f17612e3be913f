#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Completion: what the scripts offer in bash, and in zsh and fish where these are installed.
. "$(dirname "$0")/helpers.sh"
PATH=$(dirname "$cli"):$PATH

for shell in bash zsh fish; do
    exits 0 "$cli" completion $shell
    same "stderr of completion $shell" /dev/null err
    cp out completion.$shell
done
exits 2 "$cli" completion
says err 'SHELL is missing'
exits 2 "$cli" completion csh
says err "'csh' .choose from bash, zsh, fish."

# Every option that a command's help lists is known in each.
exits 0 "$cli" --help
sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\).*/\1/p' out >commands
[ "$(wc -l <commands)" -ge 12 ] || complain "the help lists $(wc -l <commands) commands"
while read -r command; do
    "$cli" "$command" --help >help
    grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+(, --[a-z-]+)?' help | grep -oE -- '--[a-z-]+' >options
    for option in $(cat options); do
        grep -q -- "[' ]$option[' |)]" completion.bash || complain "bash does not know $option"
        grep -q -- "'\*\?$option\[" completion.zsh || complain "zsh does not know $option"
        grep -qE -- "-l ${option#--}( |$)" completion.fish || complain "fish does not know $option"
    done
    grep -q "'$command:" completion.zsh || complain "zsh does not know $command"
done <commands

# offers WORD... : what bash offers for the last word of a line, on stdin what it should
offers() {
    cat >expected
    bash --norc -c '
        . ./completion.bash
        compopt() { :; }
        COMP_WORDS=(arrakis-cli "$@") COMP_CWORD=$#
        _arrakis_cli
        [ ${#COMPREPLY[@]} = 0 ] || printf "%s\n" "${COMPREPLY[@]}"' - "$@" >offered 2>&1
    same "what bash offers after '$*'" expected offered
}

offers des <<<describe
offers s <<EOF
search
show
stream
server-info
scope-map
EOF
offers --ver <<EOF
--verbose
--version
EOF
offers -u find fi <<<find
offers -q stream --on <<<--on-gap
offers stream --on-gap '' <<EOF
fill
skip
raise
EOF
offers stream X --on-gap s <<<skip
offers --url stream stream --strid <<<--stride
offers find --dt <<<--dtype
offers search --data <<<--data-type
offers stream --start '' </dev/null
offers stream --metadata commands <<<commands
offers bogus -- </dev/null

if command -v zsh >/dev/null; then
    exits 0 zsh -n completion.zsh
    same "zsh on its syntax" /dev/null err
    exits 0 zsh -fc 'autoload -U compinit && compinit -D -u && . ./completion.zsh && print $_comps[arrakis-cli]'
    same "zsh on loading it" /dev/null err
    same "what completes it in zsh" - out <<<_arrakis_cli
fi
if command -v fish >/dev/null; then
    HOME=$PWD fish --no-config -c '. ./completion.fish
        complete -C "arrakis-cli descr"; complete -C "arrakis-cli stream --on-gap s"
        complete -C "arrakis-cli search --dt"' >out 2>err
    same "fish on loading it" /dev/null err
    cut -f 1 out >offered
    same "what fish offers" - offered <<EOF
describe
skip
--dtype
EOF
fi

finish
