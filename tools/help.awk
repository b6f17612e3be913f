# SPDX-License-Identifier: Apache-2.0
# usage: awk -f help.awk Makefile: its targets with the text after their ##, under its headings.
/^## / {
    printf "%s%s\n", sep, substr($0, 4)
    sep = "\n"
}
/^[a-z][a-z -]*:.*## / {
    split($0, sides, /:.*## /)
    gsub(/ /, ", ", sides[1])
    printf "    make %-22s %s\n", sides[1], sides[2]
}
