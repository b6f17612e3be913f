/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/format.h"

#include <assert.h>

enum { TYPE_MAX = 12 };

/* By FrVect.type. 6 and 7 are complex numbers, 8 is text. */
static const arrakis_dtype dtypes[TYPE_MAX + 1] = {
    [0] = ARRAKIS_INT8,    [1] = ARRAKIS_INT16,  [2] = ARRAKIS_FLOAT64, [3] = ARRAKIS_FLOAT32,
    [4] = ARRAKIS_INT32,   [5] = ARRAKIS_INT64,  [9] = ARRAKIS_UINT16,  [10] = ARRAKIS_UINT32,
    [11] = ARRAKIS_UINT64, [12] = ARRAKIS_UINT8,
};

uint16_t ark_gwf_format_type(arrakis_dtype dtype)
{
    uint16_t type = 0;
    while (type < TYPE_MAX && dtypes[type] != dtype)
        type++;
    assert(dtypes[type] == dtype);
    return type;
}

arrakis_dtype ark_gwf_format_dtype(uint16_t type)
{
    return type <= TYPE_MAX ? dtypes[type] : ARRAKIS_DTYPE_NONE;
}
