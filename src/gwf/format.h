/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the frame format, version 8 (LIGO-T970130): docs/frames.md has where each is from. */
#ifndef ARK_GWF_FORMAT_H
#define ARK_GWF_FORMAT_H

#include <arrakis/arrakis.h>

enum {
    ARK_GWF_HEADER_SIZE = 40,           /* FrHeader */
    ARK_GWF_STRUCTURE_HEADER_SIZE = 14, /* length, kind of checksum, class, instance */
    ARK_GWF_CHECKSUM_SIZE = 4,
    ARK_GWF_CHECKSUM_CRC = 1,
    ARK_GWF_TEXT_MAX = 65534, /* bytes of a STRING, whose length and final 0 have 16 bits */
};

/* Classes of structures, as frameCPP and FrameL number them. A file's FrSH structures have the
 * number of each class; only those of FrSH and FrSE are fixed. */
typedef enum ark_gwf_class {
    ARK_GWF_NO_CLASS = 0,
    ARK_GWF_SH = 1,
    ARK_GWF_SE = 2,
    ARK_GWF_FRAME = 3,
    ARK_GWF_ADC = 4,
    ARK_GWF_END_OF_FILE = 6,
    ARK_GWF_END_OF_FRAME = 7,
    ARK_GWF_PROC = 11,
    ARK_GWF_RAW = 12,
    ARK_GWF_TOC = 19,
    ARK_GWF_VECT = 20,
} ark_gwf_class;

/* FrVect.compress: a scheme, and whether the samples, once expanded, are little-endian. */
enum {
    ARK_GWF_COMPRESS_RAW = 0,
    ARK_GWF_COMPRESS_GZIP = 1,
    ARK_GWF_COMPRESS_DIFFERENCES = 3, /* of integers, then gzip */
    /* Differences without the zeros before them, of words of 2, 4 and 8 bytes. */
    ARK_GWF_COMPRESS_WORDS_2 = 5,
    ARK_GWF_COMPRESS_WORDS_4 = 8,
    ARK_GWF_COMPRESS_WORDS_8 = 10,
    ARK_GWF_COMPRESS_LITTLE = 256,
};

/* The auxiliary vector of a channel that has the samples that are missing. */
#define ARK_GWF_MASK_NAME "dataValid"

/* FrVect.type of a dtype, and back: NONE for a type that is not a number, or complex. */
uint16_t ark_gwf_format_type(arrakis_dtype dtype);
arrakis_dtype ark_gwf_format_dtype(uint16_t type);

#endif
