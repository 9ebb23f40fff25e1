// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "text/advice_page.h"
#include "text/advice_reasons.h"
#include "text/advice_text.h"

/* Places with the same advice that are named: a big gateway has hundreds. */
#define OTHERS_NAMED 5

struct advice_block {
	struct words text, likeness, place;
	struct words others;	/* the first places with the same advice */
	size_t other_count, unnamed_sockets;
};

/* The reason without its figures: "12 devices, 3 of them lost, are too few". */
static void add_reason_without_figures(struct words *w, const struct advice *a)
{
	struct words reason = { 0 };
	size_t i;

	advice_reasons__add(&reason, a);
	for (i = 0; i < reason.length; i++)
		if (!isdigit((unsigned char)reason.text[i]) && reason.text[i] != '.')
			words__append(w, &reason.text[i], 1);
	w->failed |= reason.failed;
	words__free(&reason);
}

/* The key by which places are alike; a namespace with commands of its own has none. */
static void add_likeness(struct words *w, const struct lives *l, const struct advice *a)
{
	const struct setting *s = &a->proposed, *now = &a->current;
	unsigned int k;

	words__add(w, "%d %s ", a->scope->kind, advice_verdict__name(a->verdict));
	add_reason_without_figures(w, a);
	words__add(w, " %.0f/%.0f/%u %.0f/%.0f/%u", s->idle_s, s->interval_s, s->probes,
		   now->idle_s, now->interval_s, now->probes);
	if (a->scope->kind == SCOPE_NAMESPACE && a->verdict == ADVICE_CHANGE)
		advice_text__scope(w, l, a->scope);
	for (k = 0; k < PROGRAMS_TOLD; k++) {
		const struct program_count *p = &a->evidence->without_keepalive[k];

		words__add(w, " %s", p->sockets ? p->comm : "");
	}
}

static struct advice_block *like(const struct advice_page *p, const struct words *likeness)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->all[i].likeness.text && likeness->text &&
		    !strcmp(p->all[i].likeness.text, likeness->text))
			return &p->all[i];
	return NULL;
}

static void free_block(struct advice_block *b)
{
	words__free(&b->text);
	words__free(&b->likeness);
	words__free(&b->place);
	words__free(&b->others);
}

static void add_other(struct advice_block *b, const struct lives *l, const struct advice *a)
{
	size_t sockets = a->evidence->sockets;

	if (b->other_count++ >= OTHERS_NAMED) {
		b->unnamed_sockets += sockets;
		return;
	}
	words__add(&b->others, "%s", b->other_count > 1 ? ", " : "");
	advice_text__scope(&b->others, l, a->scope);
	words__add(&b->others, " (%zu socket%s)", sockets, sockets == 1 ? "" : "s");
}

void advice_page__add(struct advice_page *p, const struct lives *l, const struct advice *a)
{
	struct advice_block new = { .other_count = 0 }, *known, *bigger;

	add_likeness(&new.likeness, l, a);
	known = like(p, &new.likeness);
	if (known) {
		add_other(known, l, a);
		p->failed |= new.likeness.failed || known->others.failed;
		free_block(&new);
		return;
	}
	advice_text__write(&new.text, l, a);
	advice_text__scope(&new.place, l, a->scope);
	p->failed |= new.text.failed || new.likeness.failed || new.place.failed;
	bigger = realloc(p->all, (p->count + 1) * sizeof(*bigger));
	if (!bigger) {
		p->failed = true;
		free_block(&new);
		return;
	}
	p->all = bigger;
	bigger[p->count++] = new;
}

/* Is the line, its end included, in the block, below its head? */
static bool holds(const struct advice_block *b, const char *line, size_t length)
{
	const char *at, *end;

	for (at = b->text.text; at && *at; at = end + 1) {
		end = strchr(at, '\n');
		if (!end)
			return false;
		if (at != b->text.text && (size_t)(end + 1 - at) == length &&
		    !memcmp(at, line, length))
			return true;
	}
	return false;
}

/* The earliest of `count` blocks that has this line, too. */
static const struct advice_block *said_in(const struct advice_page *p, size_t count,
					  const char *line, size_t length)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (holds(&p->all[i], line, length))
			return &p->all[i];
	return NULL;
}

static void write_block(const struct advice_page *p, size_t number, struct words *w)
{
	const struct advice_block *b = &p->all[number], *as = NULL;
	const char *line, *end;

	for (line = b->text.text; line && *line; line = end + 1) {
		const struct advice_block *earlier =
			line == b->text.text ? NULL : said_in(p, number, line,
							      strchr(line, '\n') + 1 - line);

		end = strchr(line, '\n');
		if (earlier)
			as = earlier;
		else
			words__append(w, line, end + 1 - line);
	}
	if (as) {
		words__add(w, "  else as above (");
		words__append(w, as->place.text, as->place.length);
		words__append(w, ")\n", 2);
	}
	if (!b->other_count)
		return;
	words__add(w, "  the same for %zu more: ", b->other_count);
	words__append(w, b->others.text, b->others.length);
	if (b->other_count > OTHERS_NAMED)
		words__add(w, " and %zu others (%zu sockets; --json tells each)",
			   b->other_count - OTHERS_NAMED, b->unnamed_sockets);
	words__append(w, "\n", 1);
}

void advice_page__write(struct advice_page *p, struct words *w)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		if (w->length)
			words__add(w, "\n");
		write_block(p, i, w);
	}
	w->failed |= p->failed;
}

void advice_page__free(struct advice_page *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		free_block(&p->all[i]);
	free(p->all);
	*p = (struct advice_page){ .count = 0 };
}
