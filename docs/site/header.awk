# SPDX-License-Identifier: Apache-2.0
# usage: awk -f header.awk FILE.h: the same for Doxygen, but for one line more. The first comment is the file's, and
# what stands between two rules is a part of the page, in the order of the header.
/^\/\*\*/ && !file++ {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/^\/\*\*/, "/** @file " name "\n")
}
/^\/\* -----+ .*\*\// {
    title = $0
    sub(/^\/\* -+ /, "", title)
    sub(/ *\*\/.*/, "", title)
    print (part++ ? "/** @} */ " : "") "/** @name " toupper(substr(title, 1, 1)) substr(title, 2) " */ /** @{ */"
    next
}
/^#ifdef __cplusplus/ && part { printf "/** @} */ "; part = 0 }
{ print }
