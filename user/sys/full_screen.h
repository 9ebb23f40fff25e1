/* SPDX-License-Identifier: GPL-2.0 */
/* The terminal as a full screen of lines, and its keys (ncurses). One at a time. */
#ifndef HALFOPEN_SYS_FULL_SCREEN_H
#define HALFOPEN_SYS_FULL_SCREEN_H

#include <stdbool.h>

/* Why standard output cannot be a full screen, and what else would do; NULL: it can. */
const char *full_screen__refused(void);

/* Takes the terminal. Returns 0 or -errno; what failed was logged. */
int full_screen__open(bool colours);

/* Gives it back. */
void full_screen__close(void);

/* Readable when full_screen__key() has something to take. */
int full_screen__fd(void);

/* The next key (value/keys.h). The terminal's size, ^Z and the return from it are seen to. */
int full_screen__key(void);

unsigned int full_screen__rows(void);
unsigned int full_screen__columns(void);

/* Shows a page: lines that end in '\n', plain text with the bytes of value/text_style.h. What does
 * not fit is cut. A terminal that takes nothing now is left as it is. */
void full_screen__show(const char *page);

#endif
