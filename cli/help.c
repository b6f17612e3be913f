/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"
#include "out.h"

#include <string.h>

enum { WIDTH = 80, HELP_COLUMN = 26 };

void help_paragraph(struct out *out, const char *text, size_t column, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (!first && column + 1 + n > WIDTH) {
            out_char(out, '\n');
            column = 0;
            first = true;
        }
        if (column < indent) {
            out_pad(out, ' ', indent - column);
            column = indent;
        }
        if (!first) {
            out_char(out, ' ');
            column++;
        }
        out_bytes(out, text, n);
        column += n;
        first = false;
        text += n + (text[n] == ' ');
    }
    out_char(out, '\n');
}

static void option_names(struct out *out, const struct arg_option *o)
{
    if (o->letter)
        out_format(out, "  -%c, --%s", o->letter, o->name);
    else
        out_format(out, "      --%s", o->name);
    if (o->alias)
        out_format(out, ", --%s", o->alias);
    if (o->metavar)
        out_format(out, " %s", o->metavar);
}

static void option_help(struct out *out, const struct arg_option *o)
{
    struct out names = {.fd = -1};
    option_names(&names, o);
    out_bytes(out, names.data, names.size);
    size_t column = names.size;
    out_free(&names);
    if (column + 2 > HELP_COLUMN) {
        out_char(out, '\n');
        column = 0;
    }
    help_paragraph(out, o->help, column, HELP_COLUMN);
}

void args_help(struct out *out, const struct arg_table *const *tables)
{
    for (; *tables; tables++) {
        out_format(out, "\n%s:\n", (*tables)->title);
        for (const struct arg_option *o = (*tables)->options; o->name; o++)
            option_help(out, o);
    }
}
