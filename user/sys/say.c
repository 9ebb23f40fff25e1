// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/progress.h"
#include "sys/say.h"
#include "sys/terminal.h"
#include "value/plain_text.h"
#include "value/words.h"

static int failure;

static void note(bool failed)
{
	if (failed && !failure)
		failure = errno;
}

static void write_text(const char *text)
{
	progress__clear();
	note(fputs(text, stdout) < 0);
}

static void compose(struct words *w, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	w->size = plain_text__vformat(NULL, 0, format, args) + 1;
	w->text = malloc(w->size);
	if (w->text)
		w->length = plain_text__vformat(w->text, w->size, format, again);
	else
		note(true);
	va_end(again);
}

void say(const char *format, ...)
{
	struct words w = { 0 };
	va_list args;

	va_start(args, format);
	compose(&w, format, args);
	va_end(args);
	if (w.text)
		write_text(w.text);
	words__free(&w);
}

void say_wrapped(const char *format, ...)
{
	struct words w = { 0 };
	va_list args;

	va_start(args, format);
	compose(&w, format, args);
	va_end(args);
	words__wrap(&w, 0, terminal__columns(STDOUT_FILENO));
	if (w.text)
		write_text(w.text);
	words__free(&w);
}

void say_at_once(void)
{
	note(fflush(stdout));
}

int say_failure(void)
{
	return failure;
}
