// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/log.h"
#include "sys/progress.h"
#include "sys/terminal.h"
#include "value/plain_text.h"
#include "value/words.h"

/* Several strings at their longest. */
#define LINE_SIZE 32768

static enum log_level threshold = LEVEL_INFO;
static void (*make_way)(void *context);
static void *in_the_way;

void log__set_level(enum log_level level)
{
	threshold = level;
	progress__allow(level >= LEVEL_INFO);
}

enum log_level log__level(void)
{
	return threshold;
}

void log__make_way(void (*call)(void *context), void *context)
{
	make_way = call;
	in_the_way = context;
}

static void clear_row(void)
{
	progress__clear();
	if (make_way)
		make_way(in_the_way);
}

/* A terminal would break it within words. */
static void write_wrapped(const char *line)
{
	struct words w = { 0 };

	words__append(&w, "halfopen: ", strlen("halfopen: "));
	words__append(&w, line, strlen(line));
	words__wrap(&w, 0, terminal__columns(STDERR_FILENO));
	if (w.failed)
		fprintf(stderr, "halfopen: %s\n", line);
	else
		fprintf(stderr, "%s\n", w.text);
	words__free(&w);
}

void log__write(enum log_level level, const char *format, ...)
{
	int kept = errno;
	char line[LINE_SIZE];
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	plain_text__vformat(line, sizeof(line), format, args);
	va_end(args);
	clear_row();
	write_wrapped(line);
	errno = kept;
}

/* One line of a library, without its end. */
static void write_foreign(char *text)
{
	char line[LINE_SIZE];

	plain_text__format(line, sizeof(line), "%s", text);
	fprintf(stderr, "%s\n", line);
}

void log__write_lines(const char *format, va_list args)
{
	char *text = NULL, *line, *rest;

	if (vasprintf(&text, format, args) < 0)
		return;
	clear_row();
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		write_foreign(line);
	free(text);
}
