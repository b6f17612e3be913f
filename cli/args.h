/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, parsed from tables; the help text is made from the same tables. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The value of an option, and the type in which it is stored. */
enum arg_kind {
    ARG_FLAG,    /* none: bool, becomes `value` */
    ARG_SET,     /* none: int, becomes `value` */
    ARG_STOP,    /* as ARG_SET, and the rest of the line is ignored */
    ARG_TEXT,    /* const char * */
    ARG_LIST,    /* struct arg_list, one more each time */
    ARG_TIME,    /* int64_t, GPS ns, as arrakis_time_parse() reads it */
    ARG_SECONDS, /* int64_t, ns, at least 0 */
    ARG_NUMBER,  /* double, at least 0 */
    ARG_COUNT,   /* int64_t, at least 1 */
    ARG_CHOICE,  /* int, the index of the value in `choices` */
};

struct arg_option {
    char letter; /* 0: none */
    const char *name, *alias;
    const char *metavar, *help;
    enum arg_kind kind;
    size_t offset; /* of the stored value in `target` */
    int value;
    int group; /* not 0: at most one option of a group may be given */
    const char *const *choices;
};

/** A titled part of the options, ended by an option without a name. */
struct arg_table {
    const char *title;
    const struct arg_option *options;
};

enum { ARG_GROUPS = 8 };

struct arg_list {
    const char **items;
    size_t count;
};

struct arg_parser {
    const char *command; /* for messages; NULL: the options of the program itself */
    const struct arg_table *const *tables; /* ended by NULL */
    void *target;                          /* the structure to fill */
    struct arg_list *arguments;            /* what is not an option; NULL: stop at the first */
    int64_t now_ns;                        /* what "now" is for ARG_TIME */
    const struct arg_option *chosen[ARG_GROUPS];
    bool stopped; /* by an ARG_STOP */
};

/** Parse argv[0] to argv[argc - 1]. @return how many of them were used, or -1 after a message. */
int args_parse(struct arg_parser *parser, int argc, char **argv);
/** @return false when out of memory */
bool arg_list_add(struct arg_list *list, const char *item);
void arg_list_free(struct arg_list *list);

struct out;
/** The options of the tables, title by title, in lines of at most 80 columns. */
void args_help(struct out *out, const struct arg_table *const *tables);
/** A paragraph, each line `indent` columns in, the first one from `column` on. */
void help_paragraph(struct out *out, const char *text, size_t column, size_t indent);

#endif
