// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/progress.h"
#include "sys/say.h"
#include "value/plain_text.h"

static int failure;

static void note(bool failed)
{
	if (failed && !failure)
		failure = errno;
}

void say(const char *format, ...)
{
	va_list args;
	size_t size;
	char *text;

	va_start(args, format);
	size = plain_text__vformat(NULL, 0, format, args) + 1;
	va_end(args);
	text = malloc(size);
	if (!text) {
		note(true);
		return;
	}
	va_start(args, format);
	plain_text__vformat(text, size, format, args);
	va_end(args);
	progress__clear();
	note(fputs(text, stdout) < 0);
	free(text);
}

void say_at_once(void)
{
	note(fflush(stdout));
}

int say_failure(void)
{
	return failure;
}
