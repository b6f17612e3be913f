/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <errno.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool active;
static size_t lines_shown;

void screen_size(size_t *columns, size_t *rows)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
    *columns = known ? size.ws_col : 80;
    *rows = known ? size.ws_row : 24;
}

static bool write_text(struct out *out)
{
    out->fd = STDOUT_FILENO;
    return out_flush(out);
}

static void to_first_line(struct out *out)
{
    if (lines_shown)
        out_format(out, "\033[%zuA", lines_shown);
}

void screen_begin(void)
{
    struct out out = {.fd = -1};
    out_text(&out, "\033[?25l");
    pthread_mutex_lock(&lock);
    active = true;
    lines_shown = 0;
    write_text(&out);
    pthread_mutex_unlock(&lock);
    out_free(&out);
}

/* Each line is cleared to its end after it is written, so that nothing flickers. What is wider than
 * the terminal would go on in a row that the next frame does not replace. */
static void compose_frame(struct out *out, const struct out *frame, size_t *lines)
{
    size_t columns, rows, width = 0;
    screen_size(&columns, &rows);
    to_first_line(out);
    *lines = 0;
    for (size_t i = 0; i < frame->size; i++) {
        char c = frame->data[i];
        bool ends = c == '\n', begins = ((unsigned char)c & 0xc0) != 0x80; /* a character */
        if (ends) {
            out_text(out, "\033[K");
            ++*lines;
        }
        width = ends ? 0 : width + begins;
        if (width <= columns)
            out_char(out, c);
    }
    out_text(out, "\033[J");
}

bool screen_draw(struct out *frame)
{
    struct out out = {.fd = -1};
    pthread_mutex_lock(&lock);
    size_t lines;
    compose_frame(&out, frame, &lines);
    if (!frame->error)
        frame->error = write_text(&out) ? 0 : out.error;
    lines_shown = lines;
    pthread_mutex_unlock(&lock);
    out_free(&out);
    frame->size = 0;
    return !frame->error;
}

void screen_end(void)
{
    struct out out = {.fd = -1};
    pthread_mutex_lock(&lock);
    if (active) {
        out_text(&out, "\033[?25h");
        write_text(&out);
    }
    active = false;
    pthread_mutex_unlock(&lock);
    out_free(&out);
}

void screen_make_way(void)
{
    pthread_mutex_lock(&lock);
    if (!active || !lines_shown || !isatty(STDERR_FILENO))
        return;
    struct out out = {.fd = -1};
    to_first_line(&out);
    out_text(&out, "\033[J");
    write_text(&out);
    out_free(&out);
    lines_shown = 0;
}

void screen_go_on(void)
{
    pthread_mutex_unlock(&lock);
}
