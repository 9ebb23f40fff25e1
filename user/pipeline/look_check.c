// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <string.h>

#include "pipeline/look_check.h"
#include "value/quantity.h"

static const char *const subjects[] = {
	[LOOK_SOCKETS] = "sockets", [LOOK_SUSPECT] = "suspect", [LOOK_NEVER] = "never",
	[LOOK_SILENT] = "silent", [LOOK_DEAD] = "dead", [LOOK_CLOSE_WAIT] = "close_wait",
	[LOOK_WINDOW_CLOSED] = "window_closed", [LOOK_PROBES_OFF] = "probes_off",
	[LOOK_ADDRESS_GONE] = "address_gone", [LOOK_CONNTRACK] = "conntrack",
	[LOOK_ENDED] = "ended",
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

/* Without blanks around it; in place. */
static char *trimmed(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* "suspect>0", cut up. */
static bool parse_term(char *text, struct look_term *term)
{
	size_t length = strcspn(text, "<>");
	char *limit = text + length;
	unsigned int i;

	if (!*limit)
		return false;
	*term = (struct look_term){ .below = *limit == '<' };
	*limit++ = '\0';
	term->inclusive = *limit == '=';
	limit += term->inclusive;
	text = trimmed(text);
	limit = trimmed(limit);
	for (i = 0; i < SUBJECTS && strcmp(subjects[i], text); i++)
		;
	term->subject = i;
	return i < SUBJECTS && quantity__number(limit, 0, UINT32_MAX, &term->limit);
}

bool look_check__parse(const char *text, struct look_check *check)
{
	char copy[256], *rest = copy, *term;

	check->count = 0;
	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	while ((term = strsep(&rest, ",")))
		if (check->count == LOOK_CHECK_TERMS ||
		    !parse_term(term, &check->terms[check->count++]))
			return false;
	return check->count;
}

bool look_check__asks_for(const struct look_check *check, enum look_subject subject)
{
	unsigned int i;

	for (i = 0; i < check->count; i++)
		if (check->terms[i].subject == subject)
			return true;
	return false;
}

static uint64_t count_of(const struct exposure_counts *c, enum look_subject subject)
{
	switch (subject) {
	case LOOK_SOCKETS:
		return c->sockets;
	case LOOK_SUSPECT:
		return c->suspect;
	case LOOK_NEVER:
		return c->never_notice;
	case LOOK_SILENT:
		return c->long_silent;
	case LOOK_DEAD:
		return c->surely_dead;
	case LOOK_CLOSE_WAIT:
		return c->leaked;
	case LOOK_WINDOW_CLOSED:
		return c->window_closed;
	case LOOK_PROBES_OFF:
		return c->probes_off;
	case LOOK_ADDRESS_GONE:
		return c->address_gone;
	case LOOK_CONNTRACK:
		return c->forgotten;
	case LOOK_ENDED:
		return c->ended;
	}
	return 0;
}

/* So many more it may be. */
static uint64_t unknown_of(const struct exposure_counts *c, enum look_subject subject)
{
	return subject == LOOK_ADDRESS_GONE ? c->address_unknown
	       : subject == LOOK_CONNTRACK  ? c->forgotten_unknown : 0;
}

static bool holds(const struct look_term *t, uint64_t n)
{
	if (n == t->limit)
		return t->inclusive;
	return t->below ? n < t->limit : n > t->limit;
}

static void add_known(struct words *words, const struct look_term *t, uint64_t n, bool is_held)
{
	words__add(words, "%s %s %" PRIu64 " %s%s %" PRIu64 "\n", is_held ? "FOUND" : "ok",
		   subjects[t->subject], n, is_held == t->below ? "<" : ">",
		   t->inclusive == is_held ? "=" : "", t->limit);
}

static void add_unknown(struct words *words, const struct look_term *t, uint64_t n, uint64_t most)
{
	words__add(words, "unknown %s %" PRIu64 " to %" PRIu64 ", limit %s%s %" PRIu64 "\n",
		   subjects[t->subject], n, most, t->below ? "<" : ">", t->inclusive ? "=" : "",
		   t->limit);
}

struct look_check_result look_check__result(const struct look_check *check,
					    const struct exposure_counts *counts,
					    struct words *words)
{
	struct look_check_result r = { .held = 0 };
	unsigned int i;

	for (i = 0; i < check->count; i++) {
		const struct look_term *t = &check->terms[i];
		uint64_t n = count_of(counts, t->subject);
		uint64_t most = n + unknown_of(counts, t->subject);
		bool is_held = holds(t, n);

		if (is_held != holds(t, most)) {
			r.unknown |= 1U << i;
			add_unknown(words, t, n, most);
			continue;
		}
		r.held |= (unsigned int)is_held << i;
		add_known(words, t, n, is_held);
	}
	return r;
}

bool look_check__concerns(const struct look_check *check, unsigned int held,
			  const struct exposure *x)
{
	struct exposure_counts one = { 0 };
	unsigned int i;

	exposure_counts__add(&one, x);
	for (i = 0; i < check->count; i++)
		if (held & 1U << i && count_of(&one, check->terms[i].subject))
			return true;
	return false;
}
