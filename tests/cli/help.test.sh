#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Help and version. ARRAKIS_UPDATE=1 renews the expected texts.
. "$(dirname "$0")/helpers.sh"

check_help() { # NAME ARGUMENT...
    local name=$1
    shift
    exits 0 "$cli" "$@"
    [ -z "${ARRAKIS_UPDATE-}" ] || cp out "$here/expected/$name.txt"
    same "help of $name" "$here/expected/$name.txt" out
    same "stderr of $name" /dev/null err
    [ "$(wc -L <out)" -le 80 ] || complain "the help of $name is wider than 80 columns"
}

check_help program --help
check_help program
check_help program -h find
for command in find count describe stream fetch record publish server-info domains scope-map replays exec demo completion; do
    check_help $command $command --help
done
# The manual page names every command and option that the help does, and no others.
man=$here/../../docs/arrakis-cli.1
"$cli" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\).*/\1/p' >commands
[ "$(wc -l <commands)" -ge 14 ] || complain "the help lists $(wc -l <commands) commands"
while read -r command; do
    says "$man" "^\.It Cm $command( |\$)"
    "$cli" "$command" --help
done <commands >help
grep -E '^ +(-[a-zA-Z], )?--[a-z]' help | grep -oE -- '--[a-z-]+( [A-Z:-]+)?, --[a-z-]+|--[a-z-]+' |
    grep -oE -- '--[a-z-]+' | sort -u >options
grep -E '^\..*Fl' "$man" | tr ' ' '\n' | grep -E '^-[a-z][a-z-]+$' | sed 's/^/-/' | sort -u >documented
[ "$(wc -l <options)" -ge 40 ] || complain "the help lists $(wc -l <options) options"
same "options of the help and of the manual page" options documented
for alias in search list show proxy; do
    says "$man" "Cm $alias\b"
done

check_help find search --help
check_help find list -h
check_help describe show --help

version=$(sed -n 's/^#define ARRAKIS_VERSION "\(.*\)"/\1/p' "$here/../../include/arrakis/arrakis.h")
prints "$cli" --version <<<"arrakis-cli $version"
prints "$cli" stream --version <<<"arrakis-cli $version"

finish
