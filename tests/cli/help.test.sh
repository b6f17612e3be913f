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
for command in find count describe stream fetch publish server-info domains scope-map replays exec demo completion; do
    check_help $command $command --help
done
check_help find search --help
check_help find list -h
check_help describe show --help

version=$(sed -n 's/^#define ARRAKIS_VERSION "\(.*\)"/\1/p' "$here/../../include/arrakis/arrakis.h")
prints "$cli" --version <<<"arrakis-cli $version"
prints "$cli" stream --version <<<"arrakis-cli $version"

finish
