/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/arrakis.h>

#include <string.h>

const char *arrakis_dtype_name(arrakis_dtype dtype)
{
    switch (dtype) {
#define CASE(name, text, size)                                                                    \
    case ARRAKIS_##name:                                                                          \
        return text;
        ARRAKIS_DTYPE_MAP(CASE)
#undef CASE
    case ARRAKIS_DTYPE_NONE:
        break;
    }
    return "none";
}

size_t arrakis_dtype_size(arrakis_dtype dtype)
{
    switch (dtype) {
#define CASE(name, text, size)                                                                    \
    case ARRAKIS_##name:                                                                          \
        return size;
        ARRAKIS_DTYPE_MAP(CASE)
#undef CASE
    case ARRAKIS_DTYPE_NONE:
        break;
    }
    return 0;
}

arrakis_dtype arrakis_dtype_parse(const char *name)
{
    if (!name)
        return ARRAKIS_DTYPE_NONE;
#define TRY(symbol, text, size)                                                                   \
    if (strcmp(name, text) == 0)                                                                  \
        return ARRAKIS_##symbol;
    ARRAKIS_DTYPE_MAP(TRY)
#undef TRY
    return ARRAKIS_DTYPE_NONE;
}
