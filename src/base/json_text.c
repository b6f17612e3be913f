/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *data;
    size_t size, room;
    bool incomplete; /* a piece is missing */
} text;

static int append_piece(const char *piece, size_t size, void *opaque)
{
    text *t = opaque;
    if (t->incomplete || size >= t->room - t->size) {
        size_t room = 2 * (t->room + size);
        char *grown = t->incomplete ? NULL : realloc(t->data, room);
        t->incomplete = !grown;
        if (!grown)
            return -1;
        t->data = grown;
        t->room = room;
    }
    memcpy(t->data + t->size, piece, size);
    t->size += size;
    return 0;
}

char *ark_json_text(const json_t *value, size_t flags)
{
    enum { ROOM = 128 };
    text t = {.data = value ? malloc(ROOM) : NULL, .room = ROOM};
    if (!t.data)
        return NULL;
    if (json_dump_callback(value, append_piece, &t, flags) < 0 || t.incomplete) {
        free(t.data);
        return NULL;
    }
    t.data[t.size] = '\0'; /* there is always room for it */
    return t.data;
}
