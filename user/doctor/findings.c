// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/findings.h"

static char *copy(struct findings *f, const char *text)
{
	char *copied = text ? strdup(text) : NULL;

	f->failed |= text && !copied;
	return copied;
}

void findings__add(struct findings *f, const char *id, enum finding_level level,
		   const char *effect, const char *advice, const char *what, ...)
{
	struct finding *bigger = realloc(f->all, (f->count + 1) * sizeof(*bigger)), *finding;
	va_list args;

	if (!bigger) {
		f->failed = true;
		return;
	}
	f->all = bigger;
	finding = &f->all[f->count++];
	*finding = (struct finding){ .id = id, .level = level };
	va_start(args, what);
	if (vasprintf(&finding->what, what, args) < 0) {
		finding->what = NULL;
		f->failed = true;
	}
	va_end(args);
	finding->effect = copy(f, effect);
	finding->advice = copy(f, advice);
}

enum finding_level findings__worst(const struct findings *f)
{
	enum finding_level worst = FINDING_OK;
	unsigned int i;

	for (i = 0; i < f->count; i++)
		if (f->all[i].level > worst)
			worst = f->all[i].level;
	return worst;
}

const char *finding_level__name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_WARNING] = "warning",
		[FINDING_PROBLEM] = "problem",
	};

	return names[level];
}

void findings__free(struct findings *f)
{
	unsigned int i;

	for (i = 0; i < f->count; i++) {
		free(f->all[i].what);
		free(f->all[i].effect);
		free(f->all[i].advice);
	}
	free(f->all);
	*f = (struct findings){ 0 };
}
