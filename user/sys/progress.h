/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How far long work has come: one line at the bottom of the terminal that is standard error, which
 * the next one replaces. There is none under -q, nor in a pipe, a file or a dumb terminal. Messages
 * (log.h, say.h) remove it before they are written.
 */
#ifndef HALFOPEN_SYS_PROGRESS_H
#define HALFOPEN_SYS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* May work that begins from now on show any? By default it may; log__set_level() says so. */
void progress__allow(bool may);

/* Work on `what` begins, whose name outlives it. What is done within half a second shows no
 * progress. */
void progress__begin(const char *what);

/* Is it time for another line, five a second at most? So callers need not count in vain. */
bool progress__is_due(void);

/* Columns of a line. */
unsigned int progress__columns(void);

/* As printf(3), at once, cut to the terminal's width; string arguments are made safe to print
 * (plain_text.h). */
void progress__show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "WHAT: 1.2 GB of 3.4 GB read (35 %), 12 s to go", if it is due and work has begun; `total` 0: not
 * known. */
void progress__show_bytes(uint64_t done, uint64_t total);

/* Removes the line before others are written; the next one brings it back. */
void progress__clear(void);

/* The work is over. */
void progress__end(void);

#endif
