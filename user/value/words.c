// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "value/plain_text.h"
#include "value/words.h"

static bool make_room(struct words *w, size_t length)
{
	size_t size = (w->length + length + 1) * 2;
	char *bigger;

	if (w->length + length + 1 <= w->size)
		return true;
	bigger = realloc(w->text, size);
	if (!bigger) {
		w->failed = true;
		return false;
	}
	w->text = bigger;
	w->size = size;
	return true;
}

void words__add(struct words *w, const char *format, ...)
{
	va_list list;
	size_t length;

	va_start(list, format);
	length = plain_text__vformat(NULL, 0, format, list);
	va_end(list);
	if (!make_room(w, length))
		return;
	va_start(list, format);
	plain_text__vformat(w->text + w->length, w->size - w->length, format, list);
	va_end(list);
	w->length += length;
}

void words__append(struct words *w, const char *text, size_t length)
{
	if (!length || !make_room(w, length))
		return;
	memcpy(w->text + w->length, text, length);
	w->length += length;
	w->text[w->length] = '\0';
}

void words__add_argument(struct words *w, const char *word)
{
	size_t size = PLAIN_TEXT_QUOTED_SIZE(strlen(word));

	words__append(w, " ", 1);
	if (!make_room(w, size))
		return;
	plain_text__quoted(word, w->text + w->length, size);
	w->length += strlen(w->text + w->length);
}

void words__wrap(struct words *w, size_t from, unsigned int columns)
{
	size_t at = from, blank = 0;
	unsigned int taken = 0;

	for (; columns && !w->failed && at < w->length; at++) {
		taken += ((unsigned char)w->text[at] & 0xc0) != 0x80;
		if (w->text[at] == ' ')
			blank = at;
		if (w->text[at] == '\n') {
			taken = 0;
			from = at;
		}
		if (taken <= columns || blank <= from)
			continue;
		w->text[blank] = '\n';
		from = blank;
		taken = at - blank;
	}
}

void words__free(struct words *w)
{
	free(w->text);
	*w = (struct words){ 0 };
}

void words__add_duration(struct words *w, double s)
{
	unsigned long tenths = lround(s * 10), whole = lround(s);

	if (tenths < 600) {
		words__add(w, tenths % 10 ? "%.1fs" : "%.0fs", tenths / 10.0);
		return;
	}
	if (whole >= 3600)
		words__add(w, "%luh", whole / 3600);
	if (whole / 60 % 60)
		words__add(w, "%lum", whole / 60 % 60);
	if (whole % 60)
		words__add(w, "%lus", whole % 60);
}

void words__add_set_duration(struct words *w, double s)
{
	double minutes = floor(s / 60) * 60, rest = s - minutes;

	if (fabs(s - round(s)) < 1e-9) {
		words__add_duration(w, s);
		return;
	}
	if (s < 1) {
		words__add(w, "%.9gms", s * 1000);
		return;
	}
	if (minutes > 0)
		words__add_duration(w, minutes);
	words__add(w, "%.9gs", rest);
}

void words__add_count(struct words *w, uint64_t n)
{
	if (n >= 1000) {
		words__add_count(w, n / 1000);
		words__add(w, ",%03" PRIu64, n % 1000);
	} else {
		words__add(w, "%" PRIu64, n);
	}
}

void words__add_counted(struct words *w, uint64_t n, const char *thing)
{
	words__add_count(w, n);
	words__add(w, " %s%s", thing, n == 1 ? "" : "s");
}
