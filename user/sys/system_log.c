// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "sys/system_log.h"

/* RFC 3164 without its time, which the receiver adds, as syslog(3) of musl and glibc send it. */
void system_log__write(int severity, const char *format, ...)
{
	struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char line[1024];
	va_list args;
	int used;

	if (s < 0)
		return;
	used = snprintf(line, sizeof(line), "<%d>halfopen[%d]: ", LOG_DAEMON | severity, getpid());
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
	if (!connect(s, (struct sockaddr *)&log, sizeof(log)))
		(void)!write(s, line, __builtin_strlen(line));
	close(s);
}
