/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorder needs for files of the same names, types, rates and strides. */
#ifndef ARK_FILE_FILE_KIND_H
#define ARK_FILE_FILE_KIND_H

#include "file/block_order.h"
#include "file/file_format.h"

typedef struct ark_file_kind {
    ark_file_spec *spec;
    ark_file_writer *writer;
    ark_block_order *joined; /* of blocks that are put together: the channels as files have them */
} ark_file_kind;

/* What arrakis_recorder_open() returns for channels. After a failure, too, it is to be cleared. */
arrakis_status ark_file_kind_make(ark_file_kind *kind, const ark_file_format *format,
                                  const arrakis_channels *channels, const ark_file_form *form,
                                  arrakis_error *err);
void ark_file_kind_clear(ark_file_kind *kind, const ark_file_format *format);
/* What all times at which files of a kind can begin and end are multiples of; the length of a file
 * is, too. */
int64_t ark_file_kind_unit(const ark_file_spec *spec);

#endif
