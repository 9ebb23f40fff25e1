// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

static enum log_level threshold = LOG_INFO;

void log__set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log__level(void)
{
	return threshold;
}

void log__write(enum log_level level, const char *format, ...)
{
	int kept = errno;
	char line[1024];
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "halfopen: %s\n", line);
	errno = kept;
}
