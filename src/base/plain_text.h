/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text from outside safe for terminals and logs. */
#ifndef ARK_BASE_PLAIN_TEXT_H
#define ARK_BASE_PLAIN_TEXT_H

/* Replace characters in place. Blanks of any kind become spaces. A question mark replaces each
 * control character (C0, DEL, C1), each character that changes the direction of text or breaks a
 * line (bidirectional controls, U+2028, U+2029), and each byte that is not UTF-8, such as those of
 * a character that was cut off. */
void ark_plain_text(char *text);

#endif
