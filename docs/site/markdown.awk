# SPDX-License-Identifier: Apache-2.0
# usage: awk -f markdown.awk FILE.md: the same for Doxygen. Headings get the names that links on GitHub use,
# with the file's name before them, since Doxygen's are of the whole site.
function slug(text) {
    text = tolower(text)
    gsub(/[^a-z0-9 _-]/, "", text)
    gsub(/ /, "-", text)
    return text
}
FNR == 1 {
    page = FILENAME
    gsub(/.*\/|\.md$/, "", page)
    page = tolower(page)
}
/^ *```/ { code = !code }
!code && /^#+ / {
    text = $0
    sub(/^#+ /, "", text)
    if (!titled++) {
        print $0 " {#" page "}"
    } else {
        name = page "-" slug(text)
        print $0 " {#" name (used[name]++ ? "-" used[name] - 1 : "") "}"
    }
    next
}
!code && !/^    / {
    # within the page, then from page to page; what is no page is named only
    while (match($0, /\]\(#[^)]*\)/))
        $0 = substr($0, 1, RSTART - 1) "](\\ref " page "-" substr($0, RSTART + 3, RLENGTH - 4) ")" substr($0, RSTART + RLENGTH)
}
{ print }
