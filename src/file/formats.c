/* SPDX-License-Identifier: Apache-2.0 */
#include "file/formats.h"

#include "base/error.h"
#include "file/arrow_file.h"
#include "file/gwf_file.h"
#include "file/hdf5_file.h"

#include <string.h>

static const ark_file_format *const formats[] = {&ark_hdf5_file_format, &ark_arrow_file_format,
                                                 &ark_gwf_file_format};
enum { FORMATS = sizeof formats / sizeof *formats };

arrakis_status ark_formats_find(const ark_file_format **out, const char *name, arrakis_error *err)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (!name || strcmp(formats[i]->name, name) == 0) {
            *out = formats[i];
            return ARRAKIS_OK;
        }
    return ark_fail(err, ARRAKIS_EINVAL,
                    "no format of files is '%.100s': expected hdf5, arrow or gwf", name);
}

bool ark_formats_has_extension(const char *extension)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i]->extension, extension) == 0)
            return true;
    return false;
}
