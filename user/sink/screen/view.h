/* SPDX-License-Identifier: GPL-2.0 */
/* What is on a full screen: which page, which line of it, in which order, and what was typed. Keys
 * change it. */
#ifndef HALFOPEN_SINK_SCREEN_VIEW_H
#define HALFOPEN_SINK_SCREEN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum view_page { VIEW_LIST, VIEW_DEATHS, VIEW_SOCKET, VIEW_HELP };

/* Orders of the list: names as `halfopen sockets --sort` has them, each with its key. */
struct view_order {
	char key;
	const char *name, *words;
};

#define VIEW_ORDERS 11
extern const struct view_order view_orders[VIEW_ORDERS];

#define VIEW_TYPED 512

/* FILTER as it is typed. */
struct view_typed {
	bool open;
	char text[VIEW_TYPED];	 /* UTF-8 */
	char before[VIEW_TYPED]; /* what Escape goes back to */
	char mistake[256];	 /* "": it is right */
	bool changed;		 /* since the caller last looked, who clears it */
};

/* The lines of a page that can be chosen: sockets, by their cookies. */
struct view_lines {
	const uint64_t *cookies;
	size_t count;
};

struct view {
	unsigned int rows, columns; /* of the terminal */
	unsigned int last_lines; /* below the page: page__last_lines(); 0 counts as 1 */
	enum view_page page;
	enum view_page list_before, help_over; /* what Escape goes back to */
	unsigned int order;		       /* index into view_orders */
	bool wants_look; /* the list is to be read anew, at once; the caller clears it */
	bool paused, quit;
	struct view_typed typed;

	size_t chosen, top;	/* lines of the list */
	uint64_t chosen_cookie; /* the chosen one, which is followed; 0: the first */
	uint64_t shown_cookie;	/* of VIEW_SOCKET */
	size_t scrolled;	/* of the other pages ... */
	size_t scrolled_most;	/* ... at most, by the page as composed last */
};

/* The order of this name, which is one. */
unsigned int view_order__named(const char *name);

/* Takes a key (value/keys.h). */
void view__key(struct view *v, int key, const struct view_lines *lines);

/* The lines have changed: the chosen one is followed to its new place. */
void view__follow(struct view *v, const struct view_lines *lines);

/* How many lines the page has room for, below the header and above the last lines. */
unsigned int view__room(const struct view *v);

/* How many lines of the header are shown: fewer on a low terminal. */
unsigned int view__header_lines(const struct view *v);

#define VIEW_HEADER_LINES 4

#endif
