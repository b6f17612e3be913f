#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: setup.sh build|test
# Bring a machine to where `make` (build) or `make test` (test) works. Does nothing when all is there.
# Debian packages are installed as root; anybody else is told the one line. What the tests need from
# Maven Central and PyPI goes to .deps/, each part with a stamp of what it was made from.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*" >&2; }

# The packages of one purpose, less those that are there.
missing_packages() {
    local purpose=$1 alternatives one found
    for alternatives in $(sed -n "s/^$purpose //p" tools/apt-packages.txt); do
        found=
        for one in ${alternatives//|/ }; do
            if [ "$(dpkg-query -W -f='${db:Status-Status}' "$one" 2>/dev/null)" = installed ]; then
                found=$one
            fi
        done
        [ -n "$found" ] || echo "${alternatives%%|*}"
    done
}

install_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        return 0 # not Debian: CMake says what it does not find
    fi
    local missing purpose
    missing=$(for purpose in "$@"; do missing_packages "$purpose"; done | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        say "packages are missing; as root:"
        echo "apt-get install -y --no-install-recommends $missing" >&2
        exit 1
    fi
    say "installing $missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
}

# Run "$3..." to make directory $1, unless that was finished from the same file $2 before (the stamp
# is written last, so an interrupted run starts over).
make_once() {
    local directory=$1 source=$2 stamp
    shift 2
    stamp=$(sha256sum <"$source")
    if [ "$(cat "$directory/.stamp" 2>/dev/null)" = "$stamp" ]; then
        return 0
    fi
    rm -rf "$directory"
    mkdir -p "$(dirname "$directory")"
    "$@" "$directory"
    echo "$stamp" >"$directory/.stamp"
}

fetch_kafka() {
    say "Apache Kafka from Maven Central"
    mvn -q -B -f tests/broker/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/$1"
}

# The first Python of at least 3.11 that can make a virtual environment, the system's own before
# whatever a version manager has put in front of it.
find_python() {
    local python
    for python in /usr/bin/python3 /usr/bin/python3.1{1,2,3} python3 python3.1{1,2,3}; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            echo "$python"
            return 0
        fi
    done
    say "no Python of at least 3.11 with venv"
    return 1
}

make_venv() {
    local python
    python=$(find_python)
    say "the reference client and server from PyPI ($python)"
    "$python" -m venv "$1"
    "$1/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt
}

case ${1-} in
build)
    install_packages build
    ;;
test)
    install_packages build test
    make_once .deps/kafka tests/broker/pom.xml fetch_kafka
    make_once .deps/venv tests/requirements.txt make_venv
    # XDG_CACHE_HOME of the reference, see tests/conftest.py
    mkdir -p .deps/cache/gpstime
    cp tests/leap-seconds.list .deps/cache/gpstime/
    ;;
*)
    echo "usage: $0 build|test" >&2
    exit 2
    ;;
esac
