/* SPDX-License-Identifier: Apache-2.0 */
/* Text that may be shown anywhere, a terminal included. */
#ifndef ARK_BASE_PLAIN_TEXT_H
#define ARK_BASE_PLAIN_TEXT_H

/* Make a text plain, in place: blanks of any kind become spaces, and a question mark takes the place
 * of every control character (C0, DEL, C1), of every character that turns the direction of what
 * follows or breaks the line (bidirectional controls, U+2028, U+2029), and of every byte that is no
 * UTF-8, such as those of a character that was cut off. All else stays as it is. */
void ark_plain_text(char *text);

#endif
