// SPDX-License-Identifier: GPL-2.0
/* Pages of lines: sockets, deaths, help, and whatever is scrolled. */
#include <string.h>

#include "screen/pages.h"
#include "screen/screen_lines.h"
#include "text/cell_cuts.h"
#include "text/sockets_text.h"
#include "value/plain_text.h"
#include "value/text_style.h"

#define SAY(w, text) words__append(w, text, strlen(text))
/* Columns before each line: the mark of suspects, and a blank. */
#define GUTTER 2

/* A line of `text`, which ends in '\n'; returns the next. */
static const char *add_line(struct words *w, const char *text)
{
	size_t length = strcspn(text, "\n");

	words__append(w, text, length);
	SAY(w, "\n");
	return text[length] ? text + length + 1 : text + length;
}

static void fill(struct words *w, unsigned int lines)
{
	while (lines--)
		SAY(w, "\n");
}

static void add_rows(struct words *w, const struct view *v, const struct socket_now *rows,
		     size_t count, const char *line)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (v->top + i == v->chosen)
			SAY(w, STYLE_HEAD);
		else if (rows[i].suspect)
			SAY(w, STYLE_ALARM);
		SAY(w, rows[i].suspect ? "! " : "  ");
		line = add_line(w, line);
	}
}

/* Within `room` lines; returns how many it took. */
static size_t add_nothing(struct words *w, const struct view *v, const char *why, size_t room)
{
	struct words text = { 0 };
	const char *line;
	size_t lines = 1;

	SAY(w, "  no socket matches\n");
	words__append(&text, why, strlen(why));
	words__wrap(&text, 0, v->columns > GUTTER ? v->columns - GUTTER : 1);
	for (line = text.length ? text.text : ""; *line && lines < room; lines++) {
		SAY(w, "  ");
		line = add_line(w, line);
	}
	w->failed |= text.failed;
	words__free(&text);
	return lines;
}

void page__add_list(struct words *w, const struct view *v, const struct socket_now *rows,
		    size_t count, const char *nothing)
{
	struct sockets_text text = { .width = v->columns > GUTTER ? v->columns - GUTTER : 1 };
	struct words lines = { 0 };
	size_t room = view__room(v), i;

	if (room < 2)
		return;
	if (count > room - 1)
		count = room - 1;
	for (i = 0; i < count; i++)
		sockets_text__add(&text, &rows[i]);
	sockets_text__compose(&text, &lines);
	SAY(w, STYLE_HEAD "  ");
	if (!lines.failed)
		add_rows(w, v, rows, count, add_line(w, lines.text));
	w->failed |= lines.failed;
	if (!count)
		count = add_nothing(w, v, nothing, room - 1);
	fill(w, room - 1 - count);
	words__free(&lines);
	sockets_text__free(&text);
}

/* ---- deaths ---- */

/* Columns of a peer, below which it is not cut. */
#define DEAD_PEER_LEAST 24

static const char *const heads_of_deaths[DEATH_COLUMNS] = {
	[DEATH_TIME] = "DIED", [DEATH_PEER] = "PEER", [DEATH_OUTCOME] = "OUTCOME",
	[DEATH_UNNOTICED] = "UNNOTICED", [DEATH_WHOSE] = "LOCAL AND OWNER" };

/* As wide as those in sight; peers, if need be, narrower, so that their owners have room. */
static void measure_deaths(const struct view *v, const struct deaths *d,
			   unsigned int widths[DEATH_COLUMNS])
{
	size_t kept = deaths__kept(d), i;
	unsigned int c, line = GUTTER - 1, columns;

	for (c = 0; c < DEATH_COLUMNS; c++) {
		widths[c] = strlen(heads_of_deaths[c]);
		for (i = v->top; i < kept && i < v->top + view__room(v); i++) {
			columns = plain_text__columns(deaths__at(d, i)->cells[c]);
			widths[c] = columns > widths[c] ? columns : widths[c];
		}
		line += widths[c] + 1;
	}
	for (; line > v->columns && widths[DEATH_PEER] > DEAD_PEER_LEAST; line--)
		widths[DEATH_PEER]--;
}

static void add_death(struct words *w, const struct death *death, const unsigned int widths[])
{
	char shorter[SOCKET_CELL_SIZE];
	unsigned int c;

	for (c = 0; c < DEATH_COLUMNS; c++) {
		const char *cell = death->cells[c];

		if (c == DEATH_PEER && plain_text__columns(cell) > widths[c])
			cell = cell_cuts__shorten(COLUMN_PEER, cell, widths[c], shorter);
		words__add(w, c < DEATH_WHOSE ? "%-*s " : "%*s", c < DEATH_WHOSE ? (int)widths[c] : 0,
			   cell);
	}
}

static void add_head_of_deaths(struct words *w, const unsigned int widths[])
{
	unsigned int c;

	SAY(w, STYLE_HEAD "  ");
	for (c = 0; c < DEATH_WHOSE; c++)
		words__add(w, "%-*s ", (int)widths[c], heads_of_deaths[c]);
	words__add(w, "%s\n", heads_of_deaths[DEATH_WHOSE]);
}

void page__add_deaths(struct words *w, const struct view *v, const struct deaths *d)
{
	size_t room = view__room(v), kept = deaths__kept(d), i;
	unsigned int widths[DEATH_COLUMNS];

	if (room < 2)
		return;
	measure_deaths(v, d, widths);
	add_head_of_deaths(w, widths);
	for (i = 0; i < room - 1; i++) {
		if (v->top + i < kept) {
			SAY(w, v->top + i == v->chosen ? STYLE_HEAD "  " : "  ");
			add_death(w, deaths__at(d, v->top + i), widths);
		} else if (!i) {
			SAY(w, "  no peer was found dead so far");
		}
		SAY(w, "\n");
	}
}

/* ---- what is scrolled ---- */

void page__add_scrolled(struct words *w, struct view *v, const struct words *text)
{
	size_t room = view__room(v), lines = 0, i;
	struct words wrapped = { 0 };
	const char *line;

	screen_lines__wrap(&wrapped, text->length ? text->text : "", v->columns);
	line = wrapped.length ? wrapped.text : "";
	for (i = 0; i < wrapped.length; i++)
		lines += wrapped.text[i] == '\n';
	v->scrolled_most = lines > room ? lines - room : 0;
	if (v->scrolled > v->scrolled_most)
		v->scrolled = v->scrolled_most;
	for (i = 0; i < v->scrolled; i++)
		line += strcspn(line, "\n") + 1;
	for (i = 0; i < room; i++)
		if (*line)
			line = add_line(w, line);
		else
			SAY(w, "\n");
	w->failed |= wrapped.failed;
	words__free(&wrapped);
}

void page__add_help(struct words *w, struct view *v)
{
	struct words text = { 0 };
	unsigned int i;

	SAY(&text, STYLE_STRONG "Keys\n"
	    "  up, down, k, j   choose a socket      PgUp, PgDn, g, G   by pages, to the ends\n"
	    "  Enter            its whole timeline   x   peers that were found dead, and back\n"
	    "  /                FILTER, as you type  p, space   pause (counting goes on)\n"
	    "  <, >             another order        h, ?   this page    ^L   draw anew\n"
	    "  q                back; from the list of sockets: quit\n"
	    STYLE_STRONG "Orders\n");
	for (i = 0; i < VIEW_ORDERS; i++)
		words__add(&text, "  %c   %s\n", view_orders[i].key, view_orders[i].words);
	SAY(&text, STYLE_STRONG "Columns\n"
	    "  STATE     FIN-W-1, FIN-W-2 and CLOSE-W are FIN-WAIT-1, -2 and CLOSE-WAIT\n"
	    "  ASKS      probes and retransmissions left unanswered; ! marks suspects\n"
	    "  NEXT      until the kernel asks next   DIES   until it gives up a silent peer\n"
	    "  NOTICES   how long a dead peer of an idle connection goes unnoticed at most\n"
	    "  KEEPALIVE idle/interval/probes; (from a sysctl); ut= or +: a user timeout, too\n"
	    STYLE_STRONG "Header\n"
	    "  died      half-open connections that ended since the start, by outcome\n"
	    "  unnoticed for how long, at most: half (p50), 95 % (p95), of the last 4,096\n"
	    "  lost      events that the kernel could not hand over: figures may lack them\n"
	    STYLE_STRONG "FILTER\n"
	    "  the language of ss(8): sport = :1883 and dst 10.0.0.0/8 and comm = mosquitto\n");
	page__add_scrolled(w, v, &text);
	w->failed |= text.failed;
	words__free(&text);
}
