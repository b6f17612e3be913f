/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/metadata_digest.h"

#include "base/error.h"

#include <locale.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a set of channels that are hashed. The separators are those of the digest
 * record. */
#define FIELD_END '\x1f'
#define ENTRY_END '\x1e'

enum {
    SHA256_SIZE = 32,
    NUMBER_SIZE = 24,
    PORTION = 16 << 10, /* bytes that are hashed at a time */
    RATES = 64,         /* texts of rates that are cached */
};

typedef struct text {
    char *data;
    size_t size, capacity;
    bool failed; /* out of memory */
} text;

typedef struct digest {
    const ark_channel_store *store;
    text portion, other;
    struct {
        double rate;
        char text[NUMBER_SIZE];
    } rates[RATES];
} digest;

/* ------------------------------------------------------------------ one channel's entry */

static void put_text(text *out, const char *data, size_t size)
{
    if (out->capacity - out->size < size) {
        size_t capacity = 2 * (out->size + size) + PORTION;
        char *more = realloc(out->data, capacity);
        out->failed = out->failed || !more;
        if (!more)
            return;
        out->data = more;
        out->capacity = capacity;
    }
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void put_field(text *out, const char *field)
{
    static const char end = FIELD_END;
    if (field)
        put_text(out, field, strlen(field));
    put_text(out, &end, 1);
}

/* The reference writes str() of Python for numbers that may be absent. */
static const char *number_text(char buffer[NUMBER_SIZE], int64_t number)
{
    if (number == ARRAKIS_UNSET)
        return "None";
    /* the numbers are not negative */
    char *at = buffer + NUMBER_SIZE - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    return at;
}

/* A site has a dozen rates, and printing one takes longer than the rest of an entry: the texts are
 * cached. */
static const char *rate_text(digest *d, double rate)
{
    uint64_t bits;
    memcpy(&bits, &rate, sizeof bits);
    size_t i = (bits ^ bits >> 17 ^ bits >> 41 ^ bits >> 52) % RATES;
    if (d->rates[i].rate != rate) {
        d->rates[i].rate = rate;
        snprintf(d->rates[i].text, sizeof d->rates[i].text, "%g", rate);
    }
    return d->rates[i].text;
}

static void put_entry(digest *d, text *out, size_t index)
{
    static const char end = ENTRY_END;
    const arrakis_channel_info info = ark_channel_store_info(d->store, index);
    char buffer[NUMBER_SIZE];
    put_field(out, info.name);
    put_field(out, info.replay_id);
    put_field(out, arrakis_dtype_name(info.dtype));
    put_field(out, rate_text(d, info.sample_rate));
    put_field(out, info.partition_id);
    put_field(out, number_text(buffer, info.partition_index));
    put_field(out, number_text(buffer, info.stride_ns));
    const char *latency = number_text(buffer, info.max_latency_ns);
    put_text(out, latency, strlen(latency));
    put_text(out, &end, 1);
}

/* ------------------------------------------------------------------ in order */

/* Compare two whole entries where one name begins with the other: the separators then count,
 * too. */
static int compare_whole(digest *d, size_t a, size_t b)
{
    d->portion.size = d->other.size = 0;
    put_entry(d, &d->portion, a);
    put_entry(d, &d->other, b);
    size_t x = d->portion.size - 1,
           y = d->other.size - 1; /* the separator at the end of an entry does not count */
    if (d->portion.failed || d->other.failed)
        return 0;
    int order = memcmp(d->portion.data, d->other.data, x < y ? x : y);
    return order ? order : (x > y) - (x < y);
}

static int compare_records(digest *d, size_t a, size_t b)
{
    const unsigned char *x = (const unsigned char *)ark_channel_store_name(d->store, a);
    const unsigned char *y = (const unsigned char *)ark_channel_store_name(d->store, b);
    while (*x && *x == *y) {
        x++;
        y++;
    }
    int first = *x ? *x : FIELD_END, second = *y ? *y : FIELD_END;
    return first != second ? first - second : compare_whole(d, a, b);
}

static int compare_indices(const void *a, const void *b, void *opaque)
{
    return compare_records(opaque, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* *order receives the numbers of the channels in the order of their entries; NULL: the entries are
 * sorted already. */
static bool sort_indices(digest *d, uint32_t **order)
{
    size_t count = d->store->count, sorted = 1;
    *order = NULL;
    while (sorted < count && compare_records(d, sorted - 1, sorted) < 0)
        sorted++;
    if (sorted >= count)
        return true;
    *order = malloc(count * sizeof **order);
    if (!*order)
        return false;
    for (size_t i = 0; i < count; i++)
        (*order)[i] = (uint32_t)i;
    qsort_r(*order, count, sizeof **order, compare_indices, d);
    return true;
}

/* ------------------------------------------------------------------ the hash */

static bool hash_entries(digest *d, unsigned char out[SHA256_SIZE], const uint32_t *order)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    d->portion.size = 0;
    for (size_t i = 0; ok && i < d->store->count; i++) {
        put_entry(d, &d->portion, order ? order[i] : i);
        if (d->portion.size < PORTION)
            continue;
        ok = EVP_DigestUpdate(context, d->portion.data, d->portion.size);
        d->portion.size = 0;
    }
    ok = ok && !d->portion.failed && !d->other.failed &&
         EVP_DigestUpdate(context, d->portion.data, d->portion.size) &&
         EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return ok;
}

static bool make_digest(digest *d, unsigned char out[SHA256_SIZE])
{
    /* The locale of the program may write rates with a comma. */
    locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!c_locale)
        return false;
    locale_t before = uselocale(c_locale);
    uint32_t *order;
    bool ok = sort_indices(d, &order) && hash_entries(d, out, order);
    free(order);
    uselocale(before);
    freelocale(c_locale);
    return ok;
}

arrakis_status ark_metadata_digest(char hex[65], const ark_channel_store *store,
                                   arrakis_error *err)
{
    unsigned char bytes[SHA256_SIZE];
    digest d = {.store = store};
    bool ok = make_digest(&d, bytes);
    free(d.portion.data);
    free(d.other.data);
    if (!ok)
        return ark_no_memory(err, "digest of %zu channels", store->count);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return ARRAKIS_OK;
}
