/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the terminal that is redrawn in place. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "out.h"

/** Columns and rows of the terminal on stdout; 80 by 24 when the terminal does not report them. */
void screen_size(size_t *columns, size_t *rows);

/** Hide the cursor, and begin below the text that is on the screen. */
void screen_begin(void);
/** Replace the frame on the screen by `frame`: lines that end with '\n', cut to the terminal's
 *  width. Empties `frame`. @return whether to go on. */
bool screen_draw(struct out *frame);
/** Show the cursor below the last frame. May be called without screen_begin(). */
void screen_end(void);

/** Erase the frame before a line of log is printed. May be called in any thread. */
void screen_make_way(void);
void screen_go_on(void);

#endif
