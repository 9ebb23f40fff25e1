/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to syslog(3) of a process without a reader. Unlike syslog(3), it does not wait for a log
 * daemon that stands still. */
#ifndef HALFOPEN_SYS_SYSTEM_LOG_H
#define HALFOPEN_SYS_SYSTEM_LOG_H

/* LOG_NOTICE, LOG_ERR of syslog.h. A message that cannot be written at once is dropped. */
void system_log__write(int severity, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
