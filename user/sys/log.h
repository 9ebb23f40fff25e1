/* SPDX-License-Identifier: GPL-2.0 */
/* Messages on standard error. */
#ifndef HALFOPEN_SYS_LOG_H
#define HALFOPEN_SYS_LOG_H

#include <stdarg.h>

enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/* -q is LEVEL_ERROR, the default LEVEL_INFO, -v LEVEL_DEBUG. */
void log__set_level(enum log_level level);
enum log_level log__level(void);

/* Calls `make_way` before anything is written: something else may stand in the last row of the same
 * terminal. NULL: nothing does. */
void log__make_way(void (*make_way)(void *context), void *context);

/* One line, broken between words on a terminal, "halfopen: " before it; string arguments are made safe to print (plain_text.h). errno
 * is kept. */
void log__write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Lines of a library (libbpf and the verifier, under -v), each made safe to print. */
void log__write_lines(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#define log_error(...) log__write(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log__write(LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log__write(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log__write(LEVEL_DEBUG, __VA_ARGS__)

#endif
