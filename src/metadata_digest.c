/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include "channel.h"
#include "error.h"

#include <inttypes.h>
#include <locale.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A set of channels as the bytes that are hashed. The separators are the wire's. */
#define FIELD_END "\x1f"
#define ENTRY_END "\x1e"
#define SHA256_SIZE 32

/* The reference writes Python's str() of a number that may be absent. */
static const char *number_text(char buffer[24], int64_t number)
{
    if (number == ARRAKIS_UNSET)
        return "None";
    snprintf(buffer, 24, "%" PRId64, number);
    return buffer;
}

static char *entry_of(const arrakis_channel_info *info)
{
    char index[24], stride[24], latency[24], *entry;
    int size = asprintf(
        &entry,
        "%s" FIELD_END "%s" FIELD_END "%s" FIELD_END "%g" FIELD_END "%s" FIELD_END "%s" FIELD_END
        "%s" FIELD_END "%s",
        info->name, info->replay_id ? info->replay_id : "", arrakis_dtype_name(info->data_type),
        info->sample_rate, info->partition_id ? info->partition_id : "",
        number_text(index, info->partition_index), number_text(stride, info->stride_ns),
        number_text(latency, info->max_latency_ns));
    return size < 0 ? NULL : entry;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool hash_entries(unsigned char out[SHA256_SIZE], char *const *entries, size_t count)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(context, entries[i], strlen(entries[i])) &&
             EVP_DigestUpdate(context, ENTRY_END, 1);
    ok = ok && EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return ok;
}

static bool make_entries(char **entries, arrakis_channel *const *channels, size_t count)
{
    /* The program's own locale may write rates with a comma. */
    locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!c_locale)
        return false;
    locale_t before = uselocale(c_locale);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const arrakis_channel_info info = ark_info(channels[i]);
        ok = (entries[i] = entry_of(&info)) != NULL;
    }
    uselocale(before);
    freelocale(c_locale);
    return ok;
}

arrakis_status ark_metadata_digest(char hex[65], arrakis_channel *const *channels, size_t count,
                                   arrakis_error *err)
{
    unsigned char digest[SHA256_SIZE];
    char **entries = calloc(count ? count : 1, sizeof *entries);
    bool ok = entries && make_entries(entries, channels, count);
    if (ok) {
        qsort(entries, count, sizeof *entries, compare);
        ok = hash_entries(digest, entries, count);
    }
    for (size_t i = 0; entries && i < count; i++)
        free(entries[i]);
    free(entries);
    if (!ok)
        return ark_fail(err, ARRAKIS_ENOMEM, "digest of %zu channels: out of memory", count);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return ARRAKIS_OK;
}
