#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The workflow that a visitor sees has the jobs that tools/ci.sh has; a Python that is not there is no success.
. "$(dirname "$0")/../cli/helpers.sh" none
root=$here/../..

exits 0 "$root/tools/ci.sh" --help
sed -n 's/^    \([a-z0-9-]*\) .*/\1/p' out | sort >jobs
[ "$(wc -l <jobs)" -ge 11 ] || complain "tools/ci.sh has $(wc -l <jobs) jobs"
sed -n 's/^ *job: \[\(.*\)\]$/\1/p' "$root/.github/workflows/ci.yml" | tr -d ' ' | tr ',' '\n' | sort >matrix
same "the jobs of tools/ci.sh and of ci.yml" jobs matrix
exits 2 "$root/tools/ci.sh" no-such-job

ARRAKIS_PYTHONS="3.9 3.11" exits 1 "$root/tools/ci.sh" python
says out '^ci: there is no Python of version 3\.9.* with venv\. Install it .*uv python install 3\.9'

finish
