#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: setup.sh PURPOSE...
# Bring a machine to where `make` (build), `make test` (test), `make tsan`, `make valgrind`, `make wheel`,
# `make abi`, `make docs` or a job of tools/ci.sh works. Does nothing when all is there.
# Debian packages are installed as root, unless ARRAKIS_NO_INSTALL is set; anybody else is told the one
# line. What the tests need from Maven Central and PyPI goes to .deps/, each part with a stamp of what
# it was made from; it is what the checksums of tools/lock.py are of, or nothing.
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
    if [ "$(id -u)" != 0 ] || [ -n "${ARRAKIS_NO_INSTALL-}" ]; then
        say "packages are missing; as root:"
        echo "apt-get install -y --no-install-recommends $missing" >&2
        exit 1
    fi
    say "installing as root (ARRAKIS_NO_INSTALL=1 prevents it): $missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
}

# Run "$3..." to make directory $1, unless that was finished from the same files $2 before (the stamp
# is written last, so an interrupted run starts over).
make_once() {
    local directory=$1 sources=$2 stamp
    shift 2
    # shellcheck disable=SC2086
    stamp=$(cat $sources | sha256sum)
    if [ "$(cat "$directory/.stamp" 2>/dev/null)" = "$stamp" ]; then
        return 0
    fi
    rm -rf "$directory"
    mkdir -p "$(dirname "$directory")"
    "$@" "$directory"
    echo "$stamp" >"$directory/.stamp"
}

# The jars that tests/broker/jars.sha256 lists, all of them and no other.
fetch_kafka() {
    say "Apache Kafka from Maven Central"
    rm -rf "$1.new"
    mvn -q -B -C -f tests/broker/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/$1.new"
    if ! (cd "$1.new" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) |
        diff tests/broker/jars.sha256 - >&2; then
        say "Maven Central gave other jars (>) than tests/broker/jars.sha256 has (<)"
        rm -rf "$1.new"
        exit 1
    fi
    mv "$1.new" "$1"
}

# Those jars' classes, for brokers to start from: see CLASSES in tests/broker/broker.py.
archive_classes() {
    say "an archive of Apache Kafka's classes"
    .deps/venv/bin/python tests/broker/broker.py archive "$1"
}

# What is another one with each release of Java.
java_library() {
    echo "$(dirname "$(readlink -f "$(command -v java)")")/../lib/server/libjvm.so"
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
    local python pin
    for pin in $(grep -v '^#' tests/requirements.txt); do
        if ! grep -qF "$pin \\" tests/requirements.lock; then
            say "tests/requirements.lock has no $pin: tools/lock.py renews it"
            exit 1
        fi
    done
    python=$(find_python)
    say "the reference client and server from PyPI ($python)"
    "$python" -m venv "$1"
    "$1/bin/pip" install -q --disable-pip-version-check --require-hashes --only-binary :all: \
        -r tests/requirements.lock
}

# The librdkafka in a wheel of confluent-kafka, and whatever else came with it, in $1/lib under the
# name by which programs look for it.
fetch_librdkafka() {
    say "librdkafka ${1##*-} from PyPI"
    rm -rf "$1.new"
    .deps/venv/bin/pip download -q --disable-pip-version-check --require-hashes --no-deps \
        --only-binary :all: --implementation cp --python-version 3.11 \
        --platform "manylinux_2_28_$(uname -m)" --platform "manylinux2014_$(uname -m)" \
        -d "$1.new" -r "tests/librdkafka/${1##*-}.lock"
    .deps/venv/bin/python -m zipfile -e "$1.new"/*.whl "$1.new"
    mkdir "$1"
    mv "$1.new/confluent_kafka.libs" "$1/lib"
    ln -s "$(cd "$1/lib" && echo librdkafka-*.so.1)" "$1/lib/librdkafka.so.1"
    rm -rf "$1.new"
}

# Librdkafka from its sources, in $2/lib. For `make tsan` ($1) with ThreadSanitizer, from which C11's threads,
# which librdkafka takes where there are any, are hidden. For `make wheel` without the parts that need many
# further libraries; as OpenSSL is inside of the wheel too, the certificates that a system trusts are looked
# for where systems have them, not only where Debian's OpenSSL has them. A crate carries the sources; nothing
# of it is compiled as Rust.
build_librdkafka() {
    local directory lock=$PWD/tests/librdkafka/sources.sha256 crate dependency
    local options=(--disable-curl --disable-gssapi)
    directory=$(cd "$(dirname "$2")" && pwd -P)/${2##*/}
    case $1 in
    tsan)
        options+=(--disable-c11threads --disable-zstd --LDFLAGS="-fsanitize=thread"
            --CFLAGS="-O1 -fno-omit-frame-pointer -fsanitize=thread")
        ;;
    wheel)
        options+=(--enable-ssl --enable-zlib --enable-zstd --disable-lz4-ext --disable-debug-symbols
            --CPPFLAGS="-DWITH_STATIC_LIB_libcrypto=1" --LDFLAGS="-Wl,-z,relro,-z,now"
            --CFLAGS="-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2")
        ;;
    esac
    crate=$(sed 's/.* //' "$lock")
    dependency=$(sed 's/\(.*\)-\(.*\)+.*/\1 = "=\2"/' <<<"$crate")
    if ! command -v cargo >/dev/null; then
        say "no cargo, which brings librdkafka's sources (Debian 13: apt-get install cargo)"
        return 1
    fi
    say "librdkafka ${2##*-} for $1, built from the sources in a crate"
    rm -rf "$directory.new"
    mkdir "$directory.new"
    (
        cd "$directory.new" &&
            printf '[package]\nname = "sources"\nversion = "0.0.0"\n[lib]\npath = "none.rs"\n' >Cargo.toml &&
            printf '[dependencies]\n%s\n' "$dependency" >>Cargo.toml &&
            cargo fetch -q &&
            cp "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/"$crate" . &&
            sha256sum -c --quiet "$lock" &&
            tar xzf "$crate" --strip-components=1 &&
            cd librdkafka &&
            ./configure --prefix="$directory" "${options[@]}" &&
            nice make -C src -j "$(nproc)" &&
            make -C src install &&
            cp LICENSES.txt "$directory/"
    ) >"$directory.log" 2>&1 || {
        tail -n 20 "$directory.log" >&2
        say "librdkafka is not built; $directory.log has all of it"
        return 1
    }
    rm -rf "$directory.new" "$directory.log" "$directory"/lib/*.a
}

# That librdkafka, once for each purpose and version.
make_librdkafka() {
    local lock=tests/librdkafka/sources.sha256
    make_once ".deps/librdkafka-$1-$(sed 's/.*+\(.*\)\.crate/\1/' $lock)" $lock build_librdkafka "$1"
}

if [ $# = 0 ]; then
    sed -n 's/^# usage: /usage: /p' "$0" >&2
    exit 2
fi
for purpose; do
    case $purpose in
    build | style | docs | debootstrap)
        install_packages "$purpose"
        ;;
    unit | abi)
        install_packages build "$purpose"
        ;;
    clang)
        install_packages build unit clang
        ;;
    test)
        install_packages build unit test
        make_once .deps/kafka "tests/broker/pom.xml tests/broker/jars.sha256" fetch_kafka
        make_once .deps/venv "tests/requirements.txt tests/requirements.lock" make_venv
        make_once .deps/kafka/classes "tests/broker/jars.sha256 $(java_library)" archive_classes
        for lock in tests/librdkafka/*.lock; do
            make_once ".deps/librdkafka-$(basename "$lock" .lock)" "$lock" fetch_librdkafka
        done
        # XDG_CACHE_HOME of the reference, see tests/conftest.py
        mkdir -p .deps/cache/gpstime
        cp tests/leap-seconds.list .deps/cache/gpstime/
        ;;
    tsan)
        "$0" test
        make_librdkafka tsan
        ;;
    wheel)
        install_packages build wheel
        make_once .deps/venv "tests/requirements.txt tests/requirements.lock" make_venv
        make_librdkafka wheel
        ;;
    valgrind)
        install_packages valgrind
        "$0" test
        ;;
    *)
        say "no purpose $purpose"
        exit 2
        ;;
    esac
done
