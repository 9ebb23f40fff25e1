/* SPDX-License-Identifier: GPL-2.0 */
/* Words for syslog(3), of a process that nobody reads: but a log that stands still, which syslog(3)
 * itself would wait for, holds nobody up. */
#ifndef HALFOPEN_SYS_SYSTEM_LOG_H
#define HALFOPEN_SYS_SYSTEM_LOG_H

/* LOG_NOTICE, LOG_ERR of syslog.h. What cannot be written at once is not. */
void system_log__write(int severity, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
