/* SPDX-License-Identifier: GPL-2.0 */
/* How a watch's lines are laid out: whole in a file or on a wide terminal, in brief on a narrow
 * one, where they are broken so that they fit. */
#ifndef HALFOPEN_SINK_TEXT_LAYOUT_H
#define HALFOPEN_SINK_TEXT_LAYOUT_H

#include "text/service.h"
#include "timeline/timeline.h"
#include "value/words.h"

enum text_colour { PLAIN, RED, YELLOW, GREEN };

struct layout {
	bool utc;	/* else local time with its offset */
	bool colours;
	bool offset_is_shown;	/* by a status line: no line needs it on a narrow terminal */
	unsigned int columns;	/* of the terminal now; 0: it is none, or does not say */
	int widths[3];	/* of the columns: the widest so far */
	int who_width;	/* the same on a narrow terminal */
};

/* "20:02:42 " on a narrow terminal, else "14:03:22.125+02:00  ". */
void layout__add_time(const struct layout *l, struct words *w, int64_t wall_ns);

/* "20:02:42+02:00 ". */
void layout__add_status_time(const struct layout *l, struct words *w, int64_t wall_ns);

/* Whose it is (service.h), as long as there is room for. */
void layout__add_service(const struct layout *l, struct words *w, const struct story_key *key,
			 const struct timeline_socket *s);

/* The same as the first column of a line. */
void layout__add_who(struct layout *l, struct words *w, const struct words *who);

/* What was told in one colour, behind what `w` has already after the time. */
void layout__add_told(const struct layout *l, struct words *w, const char *told,
		      enum text_colour colour);

/* What happened to the socket, in full and in brief, as a line without the time; both are freed. */
void layout__add_line(struct layout *l, struct words *w, const struct timeline_socket *s,
		      const struct words *who, struct words what[2], enum text_colour colour);

#endif
