/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes foreign text (names of programs, devices, hosts, files; arguments; messages of libraries
 * and kernels) safe to show on a terminal. Characters that a terminal would interpret, reorder or
 * hide, and bytes that are no UTF-8, become a visible escape: \x1b (a byte), \u202e or \U000e0001
 * (a character). A combining mark (an accent) stays if there is a character before it, up to four
 * of them. Plain text is unchanged.
 *
 * Callers of words__add(), log_error() and their like, say() or arguments__refuse() need not call
 * it: those format by plain_text__format(), which trusts the format and makes each string argument
 * plain.
 */
#ifndef HALFOPEN_VALUE_PLAIN_TEXT_H
#define HALFOPEN_VALUE_PLAIN_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Limit of a string within formatted text, in columns: longer ones end in "...". A whole command as
 * apply and revert compose them fits. */
#define PLAIN_TEXT_COLUMNS 1024

/* Bytes that hold that many columns of any text. */
#define PLAIN_TEXT_SIZE(columns) (20 * (columns) + 1)

/* Writes into `to` of `size` bytes; cut to fit, never within a character or an escape. Returns
 * `to`. */
const char *plain_text__of(const char *from, char *to, size_t size);

/* The same, at most so many columns (4 or more), the last three of them "..." if it is cut. */
const char *plain_text__within(const char *from, unsigned int columns, char *to, size_t size);

/* The same for a name as it was chosen, which is not plain yet: a backslash in it that looks like the
 * beginning of an escape becomes one itself, \x5c, so that different names look different. What it
 * returns is plain text, which stays as it is. */
const char *plain_text__name(const char *name, unsigned int columns, char *to, size_t size);

/* For a host name: all but letters, digits, '-', '.' and '_' become \xHH, so that it cannot look
 * like other parts of a line. */
const char *plain_text__of_host(const char *from, char *to, size_t size);

/*
 * As one word of a POSIX shell, for commands that are printed to be pasted: bare, within '', or,
 * where a terminal would not show it as it is, as "$(printf '\033...')". Never cut: a word that
 * does not fit into `size`, or ends in a newline (which $(…) strips), becomes '', which addresses
 * nothing.
 */
const char *plain_text__quoted(const char *from, char *to, size_t size);

/* Room for any word of `length` bytes. */
#define PLAIN_TEXT_QUOTED_SIZE(length) (4 * (length) + 16)

/* Columns of a terminal that plain text takes (wcwidth(3) in the locale of LC_CTYPE). */
unsigned int plain_text__columns(const char *text);

/*
 * As vsnprintf(3), but strings (%s) come out plain, cut to PLAIN_TEXT_COLUMNS, and are padded by
 * columns; a precision cuts in bytes. %n, %m and numbered arguments are not supported. Output that
 * does not fit is cut at a whole character; returns the bytes that all of it takes.
 */
size_t plain_text__vformat(char *to, size_t size, const char *format, va_list args);
size_t plain_text__format(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
