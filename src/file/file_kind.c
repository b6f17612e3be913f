/* SPDX-License-Identifier: Apache-2.0 */
#include "file/file_kind.h"

#include "base/error.h"
#include "channel/stride.h"

void ark_file_kind_clear(ark_file_kind *kind, const ark_file_format *format)
{
    if (kind->writer)
        format->close(kind->writer);
    ark_block_order_unref(kind->joined);
    ark_file_spec_free(kind->spec);
    *kind = (ark_file_kind){NULL, NULL, NULL};
}

arrakis_status ark_file_kind_make(ark_file_kind *kind, const ark_file_format *format,
                                  const arrakis_channels *channels, const ark_file_form *form,
                                  arrakis_error *err)
{
    *kind = (ark_file_kind){NULL, NULL, NULL};
    ARK_TRY(ark_file_spec_new(&kind->spec, channels, form, err));
    ARK_TRY(ark_block_order_new(&kind->joined, kind->spec->channels, kind->spec->channels, false,
                                err));
    return format->open(&kind->writer, kind->spec, err);
}

int64_t ark_file_kind_unit(const ark_file_spec *spec)
{
    return ark_stride_lcm(ARRAKIS_SECOND_NS, spec->own_ns);
}
