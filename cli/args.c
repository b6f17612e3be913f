/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool arg_list_add(struct arg_list *list, const char *item)
{
    /* Room doubles each time the count is a power of two. */
    if ((list->count & (list->count - 1)) == 0) {
        size_t capacity = list->count ? 2 * list->count : 1;
        const char **items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return false;
        list->items = items;
    }
    list->items[list->count++] = item;
    return true;
}

void arg_list_free(struct arg_list *list)
{
    free(list->items);
    *list = (struct arg_list){NULL, 0};
}

static bool takes_value(const struct arg_option *option)
{
    return option->kind >= ARG_TEXT;
}

/* ---------------------------------------------------------------- values */

static bool parse_number(double *value, const char *text)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v) || v < 0)
        return false;
    *value = v;
    return true;
}

static bool parse_seconds(int64_t *ns, const char *text)
{
    double seconds;
    if (!parse_number(&seconds, text) || seconds > 9e9)
        return false;
    *ns = (int64_t)llround(seconds * 1e9);
    return true;
}

static bool parse_count(int64_t *count, const char *text)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || errno || v < 1)
        return false;
    *count = v;
    return true;
}

static bool parse_choice(int *target, const char *const *choices, const char *text)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], text) == 0) {
            *target = i;
            return true;
        }
    return false;
}

static int bad_choice(const struct arg_parser *parser, const struct arg_option *option,
                      const char *text)
{
    char known[256] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (i)
            strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, option->choices[i], sizeof known - strlen(known) - 1);
    }
    return fail_usage(parser->command, "invalid --%s '%s' (choose from %s)", option->name, text,
                      known);
}

static int store_time(const struct arg_parser *parser, const struct arg_option *option,
                      int64_t *ns, const char *text)
{
    arrakis_error err;
    if (arrakis_time_parse(ns, text, parser->now_ns, &err) < 0)
        return fail_usage(parser->command, "--%s: %s", option->name, err.message);
    return 0;
}

/* @return 0, or the exit code after a message. */
static int store_value(const struct arg_parser *parser, const struct arg_option *option,
                       const char *text)
{
    void *target = (char *)parser->target + option->offset;
    const char *expected = NULL;
    switch (option->kind) {
    case ARG_TEXT:
        *(const char **)target = text;
        break;
    case ARG_LIST:
        if (!arg_list_add(target, text))
            return fail("out of memory");
        break;
    case ARG_TIME:
        return store_time(parser, option, target, text);
    case ARG_SECONDS:
        expected = parse_seconds(target, text) ? NULL : "seconds, 0 or more";
        break;
    case ARG_NUMBER:
        expected = parse_number(target, text) ? NULL : "a number, 0 or more";
        break;
    case ARG_COUNT:
        expected = parse_count(target, text) ? NULL : "a whole number, 1 or more";
        break;
    case ARG_CHOICE:
        if (!parse_choice(target, option->choices, text))
            return bad_choice(parser, option, text);
        break;
    case ARG_FLAG:
    case ARG_SET:
    case ARG_STOP:
        break;
    }
    if (expected)
        return fail_usage(parser->command, "invalid --%s '%s': expected %s", option->name, text,
                          expected);
    return 0;
}

static void store_constant(struct arg_parser *parser, const struct arg_option *option)
{
    void *target = (char *)parser->target + option->offset;
    if (option->kind == ARG_FLAG)
        *(bool *)target = option->value;
    else
        *(int *)target = option->value;
    parser->stopped = option->kind == ARG_STOP;
}

/* ---------------------------------------------------------------- finding options */

static bool begins_with(const char *name, const char *text, size_t length)
{
    return name && strncmp(name, text, length) == 0;
}

struct match {
    const struct arg_option *first, *second;
};

static void match_option(struct match *m, const struct arg_option *o, const char *text,
                         size_t length)
{
    bool exact = (begins_with(o->name, text, length) && !o->name[length]) ||
                 (begins_with(o->alias, text, length) && !o->alias[length]);
    if (exact)
        *m = (struct match){o, o};
    else if (m->second && m->second == m->first)
        return; /* an option has exactly this name */
    else if (!begins_with(o->name, text, length) && !begins_with(o->alias, text, length))
        return;
    else if (!m->first)
        m->first = o;
    else
        m->second = o;
}

/* Find an option by its name, or by the begin of its name if no other name begins so. */
static struct match find_long(const struct arg_parser *parser, const char *text, size_t length)
{
    struct match m = {NULL, NULL};
    for (size_t t = 0; parser->tables[t]; t++)
        for (const struct arg_option *o = parser->tables[t]->options; o->name; o++)
            match_option(&m, o, text, length);
    if (m.second == m.first)
        m.second = NULL;
    return m;
}

static const struct arg_option *find_letter(const struct arg_parser *parser, char letter)
{
    for (size_t t = 0; parser->tables[t]; t++)
        for (const struct arg_option *o = parser->tables[t]->options; o->name; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static bool looks_like_option(const struct arg_parser *parser, const char *text)
{
    if (strncmp(text, "--", 2) != 0 || !text[2])
        return false;
    return find_long(parser, text + 2, strcspn(text + 2, "=")).first;
}

/* ---------------------------------------------------------------- the line */

/* Whether another option of the same group was given. The same option may be repeated: the last
 * one counts. */
static bool clashes_with_other(struct arg_parser *parser, const struct arg_option *option)
{
    if (!option->group)
        return false;
    const struct arg_option *other = parser->chosen[option->group];
    parser->chosen[option->group] = option;
    if (!other || other == option)
        return false;
    fail_usage(parser->command, "--%s and --%s cannot be given together", other->name,
               option->name);
    return true;
}

/* `attached` is the value in "--name=value" or "-nvalue", or NULL. @return how many more arguments
 * were used, or -1. */
static int take_option(struct arg_parser *parser, const struct arg_option *option,
                       const char *attached, int argc, char **argv)
{
    if (clashes_with_other(parser, option))
        return -1;
    if (!takes_value(option)) {
        if (attached) {
            fail_usage(parser->command, "--%s takes no value", option->name);
            return -1;
        }
        store_constant(parser, option);
        return 0;
    }
    if (!attached && (argc == 0 || looks_like_option(parser, argv[0]))) {
        fail_usage(parser->command, "--%s needs a value: %s", option->name, option->metavar);
        return -1;
    }
    if (store_value(parser, option, attached ? attached : argv[0]))
        return -1;
    return attached ? 0 : 1;
}

static int take_long(struct arg_parser *parser, const char *text, int argc, char **argv)
{
    size_t length = strcspn(text, "=");
    struct match m = find_long(parser, text, length);
    if (!m.first) {
        fail_usage(parser->command, "there is no option --%.*s", (int)length, text);
        return -1;
    }
    if (m.second) {
        fail_usage(parser->command, "--%.*s could be --%s or --%s", (int)length, text,
                   m.first->name, m.second->name);
        return -1;
    }
    return take_option(parser, m.first, text[length] ? text + length + 1 : NULL, argc, argv);
}

static int take_letters(struct arg_parser *parser, const char *text, int argc, char **argv)
{
    for (; *text; text++) {
        const struct arg_option *option = find_letter(parser, *text);
        if (!option) {
            fail_usage(parser->command, "there is no option -%c", *text);
            return -1;
        }
        bool attached = takes_value(option) && text[1];
        int used = take_option(parser, option, attached ? text + 1 : NULL, argc, argv);
        if (used != 0 || attached || parser->stopped)
            return used;
    }
    return 0;
}

static int take_argument(struct arg_parser *parser, const char *text)
{
    if (arg_list_add(parser->arguments, text))
        return 0;
    fail("out of memory");
    return -1;
}

int args_parse(struct arg_parser *parser, int argc, char **argv)
{
    bool options_ended = false;
    int i = 0;
    while (i < argc && !parser->stopped) {
        const char *text = argv[i];
        bool option = !options_ended && text[0] == '-' && text[1];
        if (!option && !parser->arguments)
            break;
        i++;
        int used = 0;
        if (!option)
            used = take_argument(parser, text);
        else if (strcmp(text, "--") == 0)
            options_ended = true;
        else if (text[1] == '-')
            used = take_long(parser, text + 2, argc - i, argv + i);
        else
            used = take_letters(parser, text + 1, argc - i, argv + i);
        if (used < 0)
            return -1;
        i += used;
    }
    return i;
}
