/* SPDX-License-Identifier: GPL-2.0 */
/* Words for people, on standard error. */
#ifndef HALFOPEN_SYS_LOG_H
#define HALFOPEN_SYS_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* -q is LOG_ERROR, the default LOG_INFO, -v LOG_DEBUG. */
void log__set_level(enum log_level level);
enum log_level log__level(void);

/* One line, "halfopen: " before it. errno is kept. */
void log__write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log__write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log__write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log__write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log__write(LOG_DEBUG, __VA_ARGS__)

#endif
