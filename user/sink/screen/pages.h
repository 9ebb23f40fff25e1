/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of the full-screen view as lines of text (value/text_style.h). */
#ifndef HALFOPEN_SINK_SCREEN_PAGES_H
#define HALFOPEN_SINK_SCREEN_PAGES_H

#include "screen/deaths.h"
#include "screen/figures.h"
#include "screen/view.h"
#include "timeline/socket_now.h"
#include "value/words.h"

/* What the header says. */
struct page_state {
	const struct sockets_summary *now; /* of the sockets that FILTER lets pass: its totals */
	const struct figures *since;	   /* the beginning of the watch, as shown */
	double since_s;			   /* ... that long ago; below 0: it has not begun yet */
	const struct figures *counted;	   /* the same now: another one at a pause ... */
	int64_t paused_at;		   /* ... which began then */
	const char *filter;		   /* of the command line; "": none */
	bool narrowed;			   /* `now` is, by what was typed; the watch is not */
	const char *message;		   /* on the last line; "": none */
	size_t listed;			   /* lines that can be reached */
};

/* The header, as many lines as there is room for. */
void page__add_header(struct words *w, const struct view *v, const struct page_state *s);

/* The list's head and its lines that are in sight, from v->top on; where there are none, that, and
 * `nothing`: why, in lines. */
void page__add_list(struct words *w, const struct view *v, const struct socket_now *rows,
		    size_t count, const char *nothing);

/* Peers that were found dead, the latest first. */
void page__add_deaths(struct words *w, const struct view *v, const struct deaths *d);

/* Keys. */
void page__add_help(struct words *w, struct view *v);

/* Of the lines of `text`, each ended by '\n', those that are in sight. */
void page__add_scrolled(struct words *w, struct view *v, const struct words *text);

/* How many last lines there are: where a mistake in FILTER or a message is longer than one, several. */
unsigned int page__last_lines(const struct view *v, const struct page_state *s);

/* The last lines: what is typed, said, paused, or which keys there are. */
void page__add_last_line(struct words *w, const struct view *v, const struct page_state *s);

#endif
