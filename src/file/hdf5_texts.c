/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_texts.h"

#include "base/error.h"
#include "file/hdf5_group.h"

#include <string.h>

enum { COLLECTION_SIZE = 4096 /* the least that HDF5 allows */, HEAD = 16, TEXT_HEAD = 16 };

void ark_hdf5_texts_end(ark_hdf5_texts *t)
{
    const uint64_t left = t->size - t->used;
    if (left >= TEXT_HEAD) /* free space is text 0, which counts its head */
        memcpy(t->image->data + t->at + t->used + 8, &left, sizeof left);
}

static arrakis_status begin_collection(ark_hdf5_texts *t, size_t wanted, arrakis_error *err)
{
    static const char signature[8] = "GCOL\1";
    const uint64_t size = HEAD + wanted > COLLECTION_SIZE ? HEAD + wanted : COLLECTION_SIZE;
    ark_hdf5_texts_end(t);
    ARK_TRY(ark_hdf5_group_bytes(t->image, &t->at, NULL, (size_t)size, err));
    memcpy(t->image->data + t->at, signature, sizeof signature);
    memcpy(t->image->data + t->at + 8, &size, sizeof size);
    t->size = (size_t)size;
    t->used = HEAD;
    t->count = 0;
    return ARRAKIS_OK;
}

arrakis_status ark_hdf5_texts_add(ark_hdf5_texts *t, size_t reference, const char *text,
                                  arrakis_error *err)
{
    const uint64_t length = strlen(text);
    size_t wanted = TEXT_HEAD + (((size_t)length + 7) & ~(size_t)7);
    if (wanted > t->size - t->used)
        ARK_TRY(begin_collection(t, wanted, err));
    const uint32_t length_there = (uint32_t)length, number = ++t->count;
    uint8_t *to = t->image->data + t->at + t->used, *place = t->image->data + reference;
    const uint64_t collection = t->at;
    memcpy(to, &t->count, sizeof t->count);
    memcpy(to + 8, &length, sizeof length);
    memcpy(to + TEXT_HEAD, text, (size_t)length);
    t->used += wanted;
    memcpy(place, &length_there, sizeof length_there);
    memcpy(place + 4, &collection, sizeof collection);
    memcpy(place + 12, &number, sizeof number);
    return ARRAKIS_OK;
}
