#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: docs.sh
# The site from headers, documents and manual page, in build-docs/html. A link that leads nowhere, and
# whatever else Doxygen warns of, is a failure.
set -eu
cd "$(dirname "$0")/.."

rm -rf build-docs
mkdir build-docs
mandoc -T html -O fragment docs/arrakis-cli.1 >build-docs/arrakis-cli.html
version=$(sed -n 's/^#define ARRAKIS_VERSION "\(.*\)"$/\1/p' include/arrakis/arrakis.h)
{
    cat docs/site/Doxyfile
    echo "PROJECT_NUMBER = $version"
    echo "OUTPUT_DIRECTORY = build-docs"
    echo "EXAMPLE_PATH = build-docs examples"
} | doxygen - 2>build-docs/warnings
if [ -s build-docs/warnings ]; then
    cat build-docs/warnings >&2
    exit 1
fi
echo "build-docs/html/index.html"
