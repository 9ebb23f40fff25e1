// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "words.h"

void words__add(struct words *w, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (w->length + length + 1 > w->size) {
		size_t size = (w->length + length + 1) * 2;
		char *bigger = realloc(w->text, size);

		if (!bigger) {
			w->failed = true;
			return;
		}
		w->text = bigger;
		w->size = size;
	}
	va_start(list, format);
	vsnprintf(w->text + w->length, w->size - w->length, format, list);
	va_end(list);
	w->length += length;
}

void words__free(struct words *w)
{
	free(w->text);
	*w = (struct words){ 0 };
}

void words__add_duration(struct words *w, double s)
{
	unsigned long tenths = lround(s * 10), whole = tenths / 10;

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
