/* SPDX-License-Identifier: GPL-2.0 */
/* Findings of a diagnosis: facts, their consequences, and what to do about them. */
#ifndef HALFOPEN_DOCTOR_FINDINGS_H
#define HALFOPEN_DOCTOR_FINDINGS_H

#include <stdbool.h>

enum finding_level {
	FINDING_OK,
	FINDING_NOTE,		/* worth knowing */
	FINDING_WARNING,	/* something stays unknown */
	FINDING_PROBLEM,	/* the main job is impaired */
};

struct finding {
	const char *id;		/* stable: scripts look for it */
	enum finding_level level;
	char *what;
	char *effect;		/* what is thereby unknown, or NULL */
	char *advice;		/* what to do, or NULL */
};

struct findings {
	struct finding *all;
	unsigned int count;
	bool failed;	/* memory was short */
};

/* `effect` and `advice` may be NULL and are copied; `id` must outlive the list. */
void findings__add(struct findings *f, const char *id, enum finding_level level,
		   const char *effect, const char *advice, const char *what, ...)
	__attribute__((format(printf, 6, 7)));

/* The highest level of all. */
enum finding_level findings__worst(const struct findings *f);

const char *finding_level__name(enum finding_level level);

void findings__free(struct findings *f);

#endif
