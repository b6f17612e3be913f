/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of files. */
#ifndef ARK_FILE_FORMATS_H
#define ARK_FILE_FORMATS_H

#include "file/file_format.h"

/* The format of that name; NULL is the default one. EINVAL names those that there are. */
arrakis_status ark_formats_find(const ark_file_format **out, const char *name, arrakis_error *err);
/* Whether files of a format end in a dot and this. */
bool ark_formats_has_extension(const char *extension);

#endif
