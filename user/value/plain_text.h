/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text that is not ours (names of programs, devices, hosts, files; arguments; what libraries and
 * kernels say) as a terminal may show it. What a terminal would obey, reorder or hide, and what is
 * no UTF-8, stands as a visible escape: \x1b (a byte), \u202e or \U000e0001 (a character). A mark
 * that goes onto the character before it (an accent) stays if there is one, up to four of them.
 * What is plain already stays as it is.
 *
 * Nobody has to think of that who writes by words__add(), log_error() and their like, say() or
 * arguments__refuse(): they format by plain_text__format(), which takes the format for ours and
 * each string that goes into it for somebody else's.
 */
#ifndef HALFOPEN_VALUE_PLAIN_TEXT_H
#define HALFOPEN_VALUE_PLAIN_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* A string within formatted text takes no more columns than this: then it ends in "...". It holds a
 * whole command as apply and revert compose them. */
#define PLAIN_TEXT_COLUMNS 1024

/* Bytes that hold that many columns, whatever they are. */
#define PLAIN_TEXT_SIZE(columns) (20 * (columns) + 1)

/* Into `to` of `size` bytes, cut where they end, never within a character or an escape. Returns
 * `to`. */
const char *plain_text__of(const char *from, char *to, size_t size);

/* The same, at most so many columns (4 or more), the last three of them "..." if it is cut. */
const char *plain_text__within(const char *from, unsigned int columns, char *to, size_t size);

/* For a host name: whatever is no letter, digit, '-', '.' or '_' stands as \xHH, so that nobody
 * writes anything else into a line. */
const char *plain_text__of_host(const char *from, char *to, size_t size);

/*
 * As one word of a POSIX shell, for commands that are printed to be pasted: bare, within '', or,
 * where a terminal would not show it as it is, as "$(printf '\033...')". Whole: what does not fit into
 * `size`, or ends in a newline (which $(…) takes away), becomes '', which addresses nothing.
 */
const char *plain_text__quoted(const char *from, char *to, size_t size);

/* Room for any word of so many bytes. */
#define PLAIN_TEXT_QUOTED_SIZE(length) (4 * (length) + 16)

/* How many columns of a terminal plain text takes (wcwidth(3) in the locale of LC_CTYPE). */
unsigned int plain_text__columns(const char *text);

/*
 * As vsnprintf(3), but strings (%s) come out plain, cut to PLAIN_TEXT_COLUMNS, and are padded by
 * columns; a precision cuts in bytes. %n, %m and numbered arguments are not taken. What does not
 * fit is left away from a whole character on; returns the bytes that all of it takes.
 */
size_t plain_text__vformat(char *to, size_t size, const char *format, va_list args);
size_t plain_text__format(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
