// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "text/suspects.h"
#include "value/array.h"

static int by_silence(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;

	if (x->silent_s != y->silent_s)
		return x->silent_s < y->silent_s ? 1 : -1;
	return x->line.text && y->line.text ? strcmp(x->line.text, y->line.text) : 0;
}

void suspects__sort(struct suspects *s, bool each)
{
	if (s->count)
		qsort(s->all, s->count, sizeof(*s->all), by_silence);
	while (!each && s->count > SUSPECTS_TOLD) {
		words__free(&s->all[--s->count].line);
		s->more++;
	}
}

void suspects__add(struct suspects *s, int64_t at, double silent_s, struct words *line,
		   bool each)
{
	struct suspect *all;

	if (!each && s->count >= 4 * SUSPECTS_TOLD)
		suspects__sort(s, false);
	all = array__with_room(s->all, s->count, &s->size, sizeof(*all));
	if (!all) {
		words__free(line);
		s->more++;
		return;
	}
	s->all = all;
	all[s->count++] = (struct suspect){ at, silent_s, *line };
	*line = (struct words){ 0 };
}

void suspects__free(struct suspects *s)
{
	while (s->count)
		words__free(&s->all[--s->count].line);
	free(s->all);
	*s = (struct suspects){ .count = 0 };
}
