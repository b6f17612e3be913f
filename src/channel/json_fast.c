/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/json_fast.h"

#include "channel/fields.h"

#include <string.h>

/* The take_ functions move `*p` behind what they have read. The text ends with a zero byte. */

static void skip_space(char **p)
{
    while (**p == ' ' || **p == '\t' || **p == '\r' || **p == '\n')
        ++*p;
}

static bool take_char(char **p, char expected)
{
    skip_space(p);
    if (**p != expected)
        return false;
    ++*p;
    return true;
}

/* A string. A zero byte replaces its closing quote. */
static bool take_text(char **p, char **text)
{
    if (!take_char(p, '"'))
        return false;
    char *s = *text = *p;
    while (*s >= ' ' && *s <= '~' && *s != '"' && *s != '\\')
        s++;
    if (*s != '"')
        return false;
    *s = '\0';
    *p = s + 1;
    return true;
}

typedef struct exact_number {
    int64_t digits; /* without the point */
    int decimals;
    bool integer;
} exact_number;

/* Digits that fit, with or without a point; no sign and no exponent. */
static bool take_number(char **p, exact_number *number)
{
    *number = (exact_number){.integer = true};
    char *s = *p;
    if (*s == '0' && s[1] >= '0' && s[1] <= '9')
        return false;
    for (; (*s >= '0' && *s <= '9') || (*s == '.' && number->integer && s > *p); s++) {
        if (*s == '.') {
            number->integer = false;
            continue;
        }
        if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
            __builtin_add_overflow(number->digits, *s - '0', &number->digits))
            return false;
        number->decimals += !number->integer;
    }
    if (s == *p || s[-1] == '.' || *s == 'e' || *s == 'E')
        return false;
    *p = s;
    return true;
}

/* The quotient is exact where dividend and divisor are. */
static bool to_rate(double *rate, exact_number number)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number.digits >= INT64_C(1) << 53 || number.decimals > 22)
        return false;
    *rate = (double)number.digits / tens[number.decimals];
    return true;
}

static bool take_null(char **p)
{
    if (strncmp(*p, "null", 4) != 0)
        return false;
    *p += 4;
    return true;
}

/* Skip the value of an unknown field. */
static bool skip_value(char **p)
{
    char *text;
    exact_number number;
    return **p == '"' ? take_text(p, &text) : take_null(p) || take_number(p, &number);
}

static bool take_value(char **p, const ark_channel_field *field, arrakis_channel_info *info)
{
    skip_space(p);
    if (!field)
        return skip_value(p);
    if (take_null(p))
        return true;
    void *member = (char *)info + field->offset;
    char *text;
    exact_number number;
    if (field->kind == ARK_CHANNEL_FIELD_TEXT || field->kind == ARK_CHANNEL_FIELD_DTYPE) {
        if (!take_text(p, &text))
            return false;
        if (field->kind == ARK_CHANNEL_FIELD_TEXT)
            *(const char **)member = text;
        else
            *(arrakis_dtype *)member = arrakis_dtype_parse(text);
        return field->kind == ARK_CHANNEL_FIELD_TEXT ||
               *(arrakis_dtype *)member != ARRAKIS_DTYPE_NONE;
    }
    if (!take_number(p, &number))
        return false;
    if (field->kind == ARK_CHANNEL_FIELD_RATE)
        return to_rate(member, number);
    *(int64_t *)member = number.digits;
    return number.integer;
}

/* Programs mostly write the fields in this order, though not all of them. */
static const ark_channel_field *find_field(const char *key, const ark_channel_field *next)
{
    for (; next < ark_channel_fields + ARK_CHANNEL_FIELD_COUNT; next++)
        if (strcmp(key, next->key) == 0)
            return next;
    return ark_channel_fields_find(key);
}

bool ark_channel_json_fast_read(arrakis_channel_info *info,
                                char scratch[ARK_JSON_FAST_SIZE_MAX + 1], const char *text,
                                size_t size)
{
    if (size > ARK_JSON_FAST_SIZE_MAX)
        return false;
    memcpy(scratch, text, size);
    scratch[size] = '\0';
    const ark_channel_field *next = ark_channel_fields;
    unsigned seen = 0;
    char *p = scratch, *key;
    if (!take_char(&p, '{'))
        return false;
    do {
        if (!take_text(&p, &key) || !take_char(&p, ':'))
            return false;
        const ark_channel_field *field = find_field(key, next);
        next = field ? field + 1 : next;
        unsigned bit = field ? 1u << (field - ark_channel_fields) : 0;
        if (seen & bit || !take_value(&p, field, info))
            return false;
        seen |= bit;
    } while (take_char(&p, ','));
    if (!take_char(&p, '}'))
        return false;
    skip_space(&p);
    return p == scratch + size;
}
