/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the terminal that is redrawn in place. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "out.h"

/** Columns and rows of the terminal on stdout; 80 by 24 when the terminal does not report them. */
void screen_size(size_t *columns, size_t *rows);

/** Hide the cursor and begin below what is there. */
void screen_begin(void);
/** Replace the frame that is shown by `frame`: lines that end in '\n', none wider than the terminal.
 *  Empties it. @return whether to go on. */
bool screen_draw(struct out *frame);
/** Show the cursor below the last frame. May be called without screen_begin(). */
void screen_end(void);

/** Around a line of log: takes the frame away first, so that the two do not mix. In any thread. */
void screen_make_way(void);
void screen_go_on(void);

#endif
