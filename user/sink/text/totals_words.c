// SPDX-License-Identifier: GPL-2.0
#include "text/totals_words.h"
#include "timeline/names.h"

/* Programs that are named for their sockets without keepalive. */
#define PROGRAMS_NAMED 3

/* " (keepalive 14, reset 2)". */
static void add_found_by(struct words *w, const struct summary *n)
{
	const char *before = " (";
	int by;

	for (by = 0; by < FOUND_BY_COUNT; by++) {
		if (!n->half_open_by[by])
			continue;
		words__add(w, "%s%s ", before, found_by__name(by));
		words__add_count(w, n->half_open_by[by]);
		before = ", ";
	}
	words__add(w, n->half_open ? ")" : "");
}

static void add_fates(struct words *w, const struct summary *n, const char *since)
{
	words__add(w, " open, ");
	words__add_count(w, n->suspect);
	words__add(w, " suspect; %s", since);
	words__add_count(w, n->endings);
	words__add(w, " ended");
	if (n->endings)
		words__add(w, n->half_open ? ", " : ", none half-open");
	if (!n->half_open)
		return;
	words__add_count(w, n->half_open);
	words__add(w, " half-open");
}

static void add_waiting(struct words *w, uint64_t waiting)
{
	if (!waiting)
		return;
	words__add(w, "; ");
	words__add_count(w, waiting);
	words__add(w, " wait%s for %s first data (TCP_DEFER_ACCEPT)", waiting == 1 ? "s" : "",
		   waiting == 1 ? "its" : "their");
}

void totals_words__add_first(struct words *w, const struct summary *n)
{
	unsigned int i;

	words__add_counted(w, n->open, "socket");
	words__add(w, " in ");
	words__add_counted(w, n->namespaces, "namespace");
	words__add(w, "; ");
	words__add_count(w, n->open_without_keepalive);
	words__add(w, " would never notice a dead peer");
	for (i = 0; i < n->without_keepalive_count && i < PROGRAMS_NAMED; i++) {
		words__add(w, "%s%s ", i ? ", " : " (", n->without_keepalive[i].comm);
		words__add_count(w, n->without_keepalive[i].sockets);
	}
	words__add(w, i ? ")" : "");
	add_waiting(w, n->waiting_for_data);
}

void totals_words__add_status(struct words *w, const struct summary *n)
{
	if (n->events_lost) {	/* first: a narrow terminal cuts the end */
		words__add_counted(w, n->events_lost, "event");
		words__add(w, " lost; ");
	}
	words__add_count(w, n->open);
	add_fates(w, n, "so far ");
	if (n->open_without_keepalive) {
		words__add(w, "; ");
		words__add_count(w, n->open_without_keepalive);
		words__add(w, " never notice");
	}
}

void totals_words__add_last(struct words *w, const struct summary *n)
{
	words__add(w, "watched for ");
	words__add_duration(w, n->watched_s);
	words__add(w, ": ");
	words__add_counted(w, n->open, "socket");
	add_fates(w, n, "");
	add_found_by(w, n);
	if (n->half_open) {
		words__add(w, ", unnoticed for up to ");
		words__add_duration(w, n->longest_latency_s);
	}
	words__add(w, "; ");
	words__add_counted(w, n->events, "event");
	words__add(w, ", ");
	words__add_count(w, n->events_lost);
	words__add(w, " lost");
	if (n->names_forgotten) {
		words__add(w, "; ");
		words__add_counted(w, n->names_forgotten, "name");
		words__add(w, " of peers forgotten");
	}
}
