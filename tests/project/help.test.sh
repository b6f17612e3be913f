#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every target of the Makefile has a line in `make help`, and no line is wider than 110 columns.
. "$(dirname "$0")/../cli/helpers.sh" none
root=$here/../..

exits 0 make --no-print-directory -C "$root" help
mv out help
sed -n '/^\.PHONY:/,/[^\\]$/p' "$root/Makefile" | tr -s ' \\\t' '\n' | grep '^[a-z]' | sort >targets
sed -n 's/^    make \([a-z, -]*[a-z]\)  .*/\1/p' help | tr -d ',' | tr ' ' '\n' | sort >listed
[ "$(wc -l <targets)" -ge 14 ] || complain "the Makefile names $(wc -l <targets) targets"
same "targets of the Makefile and of its help" targets listed
grep -oE '^[a-z][a-z -]*:' "$root/Makefile" | tr -d : | tr ' ' '\n' | sort >rules
same "targets and the list in .PHONY" rules targets
[ "$(wc -L <help)" -le 110 ] || complain "the help is wider than 110 columns"

finish
