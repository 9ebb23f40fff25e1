// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "text/comparison_text.h"

static void add_side(struct words *w, const char *name, const struct side_of_comparison *s)
{
	words__add(w, "%zu sockets %s", s->sockets, name);
	if (s->unfollowing)
		words__add(w, " (%zu with options of their own left out)", s->unfollowing);
	if (s->dead_before)
		words__add(w, " (%zu dead since before the watch, and found in it, left out)",
			   s->dead_before);
}

static void add_setting(struct words *w, const struct setting *s)
{
	words__add(w, "%.0f/%.0f/%u", s->idle_s, s->interval_s, s->probes);
}

static void add_values(struct words *w, const struct comparison *c)
{
	words__add(w, "; net.ipv4.tcp_keepalive_*");
	if (!c->values_known) {
		words__add(w, ": no namespace is told of in both FILEs");
	} else if (!c->values_changed) {
		words__add(w, " are the same");
	} else {
		words__add(w, " (idle/interval/probes) ");
		add_setting(w, &c->values_before);
		words__add(w, " -> ");
		add_setting(w, &c->values_after);
		words__add(w, c->other_values_changed ? ", other values in other namespaces" : "");
	}
	words__add(w, "\n");
}

static void add_empty_sides(struct words *w, const struct comparison *c)
{
	const char *which = c->before.sockets  ? "the second FILE"
			    : c->after.sockets ? "the first FILE" : "either FILE";

	if (!c->before.sockets || !c->after.sockets)
		words__add(w, "  no sockets%s are in %s: there is nothing to compare\n",
			   c->group ? " of this group" : "", which);
}

#define DECIMALS_MAX 9
#define LEAST 1e-9

/* Three significant digits, no exponent. */
static void add_rate(struct words *w, double rate)
{
	if (rate >= 0.001)
		words__add(w, rate >= 100 ? "%.0f" : "%.3g", rate);
	else if (rate < LEAST)
		words__add(w, "0");
	else
		words__add(w, "%.*f", (int)fmin(DECIMALS_MAX, 2 - floor(log10(rate))), rate);
}

static bool is_time(const struct change_of *of)
{
	return !strcmp(of->unit, "s");
}

static void add_value(struct words *w, const struct change_of *of, double value)
{
	if (is_time(of))
		words__add_duration(w, value);
	else
		add_rate(w, value);
}

static void add_bound(struct words *w, const struct change_of *of, double value)
{
	if (value <= -LEAST)
		words__add(w, "-");
	add_value(w, of, fabs(value));
}

static const char *direction(const struct change_of *of)
{
	if (of->after < of->before)
		return is_time(of) ? "sooner" : "fewer";
	return is_time(of) ? "later" : "more";
}

static void add_difference(struct words *w, const struct change_of *of)
{
	if (fabs(of->after - of->before) < LEAST * fmax(1, of->before)) {
		words__add(w, "the same");
	} else {
		words__add(w, "%s by ", direction(of));
		add_value(w, of, fabs(of->after - of->before));
	}
	words__add(w, " (95 %%: ");
	add_bound(w, of, of->low);
	words__add(w, " to ");
	add_bound(w, of, of->high);
	words__add(w, ")%s\n", of->verdict == CHANGE_NOISE ? ": noise" : "");
}

static void add_change(struct words *w, const struct change_of *of)
{
	words__add(w, "  %-18s ", of->what);
	if (of->verdict == CHANGE_TOO_FEW && !of->before && !of->after) {
		words__add(w, "none, before and after\n");
		return;
	}
	if (of->verdict == CHANGE_TOO_FEW) {
		words__add(w, "too few cases (%zu, %zu), or hours\n", of->cases_before,
			   of->cases_after);
		return;
	}
	add_value(w, of, of->before);
	words__add(w, " -> ");
	add_value(w, of, of->after);
	words__add(w, is_time(of) ? ": " : " %s: ", of->unit);
	if (of->verdict == CHANGE_NOT_COMPARABLE)
		words__add(w, "not comparable\n");
	else
		add_difference(w, of);
}

void comparison_text__write(struct words *w, const struct comparison *c)
{
	unsigned int i;

	if (w->length)
		words__add(w, "\n");
	words__add(w, "%s: ", c->group ? c->group : "all peers");
	add_side(w, "before", &c->before);
	words__add(w, ", ");
	add_side(w, "after", &c->after);
	add_values(w, c);
	add_empty_sides(w, c);
	if (c->changes[0].verdict == CHANGE_NOT_COMPARABLE)
		words__add(w, "  watched at other times of the day: a difference may be the "
			      "hour's\n");
	else if (c->few_clusters &&
		 (c->changes[HALF_OPEN_RATE].before || c->changes[HALF_OPEN_RATE].after))
		words__add(w, "  deaths of few hours: they are taken as independent of each "
			   "other, which those of one outage are not\n");
	for (i = 0; i < COMPARED; i++)
		add_change(w, &c->changes[i]);
}
