// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/cell_cuts.h"
#include "text/sockets_text.h"
#include "value/array.h"
#include "value/plain_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* A cell is at most so wide; no column is wider. */
#define CELL_COLUMNS 255
#define WRITE_AT_ONCE 65536
/* Of so many lines nobody sees who looks like whom: none is cut for that. */
#define TOLD_APART_MOST 65536

/* `least`: narrower it is not made on a terminal. A peer of IPv4 is whole then. */
static const struct {
	const char *head;
	unsigned int least;
} columns[SOCKET_COLUMNS] = {
	[COLUMN_STATE] = { "STATE", 7 }, [COLUMN_PEER] = { "PEER", 24 },
	[COLUMN_DEVICE] = { "DEVICE", 8 }, [COLUMN_LOCAL] = { "LOCAL", 6 },
	[COLUMN_OWNER] = { "OWNER", 8 }, [COLUMN_KEEPALIVE] = { "KEEPALIVE", 11 },
	[COLUMN_SILENT] = { "SILENT", 7 }, [COLUMN_DEAD] = { "DEAD", 5 },
	[COLUMN_UNANSWERED] = { "ASKS", 8 },
	[COLUMN_NEXT] = { "NEXT", 8 }, [COLUMN_DIES] = { "DIES", 8 },
	[COLUMN_NOTICES] = { "NOTICES", 8 },
	[COLUMN_PAIR] = { "PAIR", 29 }, [COLUMN_FAULTS] = { "FAULT", 14 },
};

/* ---- cells ---- */

/* A cell as it is kept: its length in a byte, then its text; or LONG, the length in two bytes and the
 * columns in one, and its text, where it is long or is not ASCII, and so not as wide as long. */
#define LONG 0xff
#define LONG_HEAD 4

struct cell {
	const char *text;
	size_t length;
	unsigned int columns;
};

static struct cell cell_of(const char *text, size_t length)
{
	struct cell c = { text, length, length };
	size_t i;

	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80) {
			c.columns = plain_text__columns(text);
			break;
		}
	return c;
}

/* Its text stands behind its length of one byte, and a zero behind that. Returns where it ends. */
static char *end_cell(char *begin, char *end, unsigned int *columns)
{
	struct cell c = cell_of(begin + 1, end - begin - 1);
	uint16_t length = c.length;

	*columns = c.columns < CELL_COLUMNS ? c.columns : CELL_COLUMNS;
	if (c.length == c.columns && c.length < LONG) {
		*begin = (char)c.length;
		return end;
	}
	memmove(begin + LONG_HEAD, begin + 1, c.length);
	*begin = (char)LONG;
	memcpy(begin + 1, &length, sizeof(length));
	begin[3] = (char)*columns;
	return begin + LONG_HEAD + c.length;
}

/* Returns what is behind it. */
static const char *next_cell(const char *at, struct cell *c)
{
	uint16_t length;

	c->length = c->columns = (unsigned char)*at++;
	c->text = at;
	if (c->length != LONG)
		return at + c->length;
	memcpy(&length, at, sizeof(length));
	c->columns = (unsigned char)at[2];
	c->length = length;
	c->text = at + LONG_HEAD - 1;
	return c->text + length;
}

static bool make_room(struct sockets_text *t)
{
	size_t size = t->size ? 2 * t->size : 1 << 16;
	char *bigger;

	if (t->used + SOCKET_CELLS_SIZE <= t->size)
		return true;
	bigger = realloc(t->cells, size);
	t->failed |= !bigger;
	if (!bigger)
		return false;
	t->cells = bigger;
	t->size = size;
	return true;
}

static void widen(struct sockets_text *t, enum socket_column column, unsigned int width)
{
	if (width > t->widths[column])
		t->widths[column] = width;
}

void sockets_text__add(struct sockets_text *t, const struct socket_now *s)
{
	unsigned int column, width;
	char *begin, *end;
	size_t *begins;

	if (t->failed || !make_room(t))
		return;
	begins = array__with_room(t->begins, t->lines, &t->lines_size, sizeof(*begins));
	t->failed |= !begins;
	if (!begins)
		return;
	t->begins = begins;
	begins[t->lines++] = t->used;
	t->cells[t->used++] = s->suspect ? 'r' : ' ';
	for (column = 0; column < SOCKET_COLUMNS; column++) {
		begin = t->cells + t->used;
		end = socket_cells__put(&t->owner, begin + 1, column, s);
		*end = '\0';
		t->used = end_cell(begin, end, &width) - t->cells;
		widen(t, column, width);
	}
}

void sockets_text__set_pair(struct sockets_text *t, size_t line, const struct timeline_pair *p)
{
	struct sockets_text_pair *pairs;
	unsigned int width;
	char *begin, *end;

	if (t->failed || !make_room(t))
		return;
	pairs = array__with_room(t->pairs, t->pair_count, &t->pairs_size, sizeof(*pairs));
	t->failed |= !pairs;
	if (!pairs)
		return;
	t->pairs = pairs;
	pairs[t->pair_count++] = (struct sockets_text_pair){ line, t->used };
	begin = t->cells + t->used;
	end = socket_cells__put_pair(begin + 1, p);
	*end = '\0';
	t->used = end_cell(begin, end, &width) - t->cells;
	widen(t, COLUMN_PAIR, width);
}

/* ---- columns ---- */

/* A column that is empty in every line is left away; the others have room for their heads. */
static void make_room_for_heads(struct sockets_text *t)
{
	unsigned int column;

	for (column = 0; column < SOCKET_COLUMNS; column++)
		if ((t->widths[column] || !t->lines) &&
		    t->widths[column] < strlen(columns[column].head))
			t->widths[column] = strlen(columns[column].head);
	if (!t->lines)
		t->widths[COLUMN_DEVICE] = t->widths[COLUMN_DEAD] = t->widths[COLUMN_PAIR] =
			t->widths[COLUMN_FAULTS] = 0;
}

/* The first column that is not left away. */
static unsigned int first_of(const struct sockets_text *t)
{
	unsigned int column = 0;

	while (column < SOCKET_COLUMNS && !t->widths[column])
		column++;
	return column;
}

/* ---- who is told apart by what is left ---- */

/* A cell as it is, and as it is shown. */
struct likeness {
	uint64_t whole, shown;
};

static int compare_shown(const void *a, const void *b)
{
	const struct likeness *x = a, *y = b;

	if (x->shown != y->shown)
		return x->shown < y->shown ? -1 : 1;
	return x->whole < y->whole ? -1 : x->whole > y->whole;
}

static void cell_text(const struct sockets_text *t, size_t line, unsigned int column,
		      char text[3 * SOCKET_CELL_SIZE])
{
	const char *next = t->cells + t->begins[line] + 1;
	struct cell c = { .text = "" };
	unsigned int i;

	for (i = 0; i <= column; i++)
		next = next_cell(next, &c);
	snprintf(text, 3 * SOCKET_CELL_SIZE, "%.*s", (int)c.length, c.text);
}

/* Of a peer without its port: hosts are to be told apart. */
static uint64_t hash_of(unsigned int column, const char *text)
{
	const char *port = column == COLUMN_PEER ? strrchr(text, ':') : NULL;
	size_t length = port ? (size_t)(port - text) : strlen(text);
	uint64_t hash = 14695981039346656037ULL;

	while (length--)
		hash = (hash ^ (unsigned char)*text++) * 1099511628211ULL;
	return hash;
}

/* Do different cells of the column still differ, made so narrow? */
static bool are_told_apart(const struct sockets_text *t, unsigned int column, unsigned int width,
			   struct likeness *all)
{
	char whole[3 * SOCKET_CELL_SIZE], shorter[SOCKET_CELL_SIZE];
	size_t line, count = 0, i;

	for (line = 0; line < t->lines; line++) {
		cell_text(t, line, column, whole);
		if (plain_text__columns(whole) > width)
			all[count++] = (struct likeness){
				hash_of(column, whole),
				hash_of(column, cell_cuts__shorten(column, whole, width, shorter)) };
	}
	qsort(all, count, sizeof(*all), compare_shown);
	for (i = 1; i < count; i++)
		if (all[i].shown == all[i - 1].shown && all[i].whole != all[i - 1].whole)
			return false;
	return true;
}

/* As narrow as it may become: names of hosts and devices are told apart. */
static unsigned int least_of(const struct sockets_text *t, unsigned int column)
{
	unsigned int least = columns[column].least, whole = t->widths[column];
	struct likeness *all;

	if (whole <= least)
		return whole;
	if (column != COLUMN_PEER && column != COLUMN_DEVICE)
		return least;
	all = t->lines <= TOLD_APART_MOST ? malloc((t->lines + 1) * sizeof(*all)) : NULL;
	if (!all)
		return whole;
	while (least < whole && !are_told_apart(t, column, least, all))
		least += least + 3 < whole ? 3 : whole - least;
	free(all);
	return least;
}

/* ---- columns that fit ---- */

/* With separators. */
static unsigned int width_of_line(const unsigned int widths[])
{
	unsigned int column, width = 0;

	for (column = 0; column < SOCKET_COLUMNS; column++)
		width += widths[column] ? widths[column] + 1 : 0;
	return width ? width - 1 : 0;
}

/* The widest of those that may become narrower; SOCKET_COLUMNS: there is none. */
static unsigned int widest_of(const struct sockets_text *t, const unsigned int least[])
{
	unsigned int column, widest = SOCKET_COLUMNS;

	for (column = 0; column < SOCKET_COLUMNS; column++)
		if (t->widths[column] > least[column] &&
		    (widest == SOCKET_COLUMNS || t->widths[column] > t->widths[widest]))
			widest = column;
	return widest;
}

/* What is shown in brief needs no more room than that: the others have it then. */
static void share_room(struct sockets_text *t, const unsigned int wanted[])
{
	static const enum socket_column takers[] = { COLUMN_PEER, COLUMN_DEVICE, COLUMN_OWNER,
						     COLUMN_KEEPALIVE, COLUMN_FAULTS };
	unsigned int *local = &t->widths[COLUMN_LOCAL], i;

	if (*local < wanted[COLUMN_LOCAL] && *local > CELL_CUTS_PORT &&
	    *local < CELL_CUTS_END)
		*local = CELL_CUTS_PORT;
	for (i = 0; i < COUNT_OF(takers); i++)
		while (t->widths[takers[i]] && t->widths[takers[i]] < wanted[takers[i]] &&
		       width_of_line(t->widths) < t->width)
			t->widths[takers[i]]++;
}

/* What can be done without, first what can best: NOTICES repeats DIES where a peer is silent, and the
 * port of LOCAL and KEEPALIVE are mostly those of OWNER. Who the peer is, and whose it is, stays. */
static const enum socket_column dispensable[] = {
	COLUMN_PAIR, COLUMN_NOTICES, COLUMN_LOCAL, COLUMN_KEEPALIVE, COLUMN_NEXT, COLUMN_DIES,
	COLUMN_FAULTS, COLUMN_OWNER, COLUMN_DEVICE, COLUMN_UNANSWERED, COLUMN_DEAD, COLUMN_STATE,
	COLUMN_SILENT };

/* Until the others fit, made as narrow as they may become; what then has room after all comes back. */
static void drop_columns(struct sockets_text *t, unsigned int least[])
{
	unsigned int dropped, i, column, width;

	for (dropped = 0; dropped < COUNT_OF(dispensable) && width_of_line(least) > t->width;
	     dropped++)
		least[dispensable[dropped]] = 0;
	for (i = dropped; i > 0; i--) {
		column = dispensable[i - 1];
		width = least_of(t, column);
		least[column] = width;
		if (width && width_of_line(least) > t->width)
			least[column] = t->widths[column] = 0;
	}
}

/* Drops dispensable columns, if there is no room for all; then narrows the widest until they
 * fit. */
static void fit(struct sockets_text *t)
{
	unsigned int widest, column, wanted[SOCKET_COLUMNS], least[SOCKET_COLUMNS];

	if (!t->width || width_of_line(t->widths) <= t->width)
		return;
	memcpy(wanted, t->widths, sizeof(wanted));
	for (column = 0; column < SOCKET_COLUMNS; column++)
		least[column] = least_of(t, column);
	drop_columns(t, least);
	if (t->widths[COLUMN_STATE])
		t->widths[COLUMN_STATE] = least[COLUMN_STATE];	/* says the same */
	while (width_of_line(t->widths) > t->width) {
		widest = widest_of(t, least);
		if (widest == SOCKET_COLUMNS)
			break;
		t->widths[widest]--;
	}
	if (width_of_line(t->widths) > t->width) {	/* peers alone are left */
		t->widths[COLUMN_PEER] = t->width < CELL_CUTS_PORT ? CELL_CUTS_PORT : t->width;
		return;
	}
	share_room(t, wanted);
}

/* ---- lines ---- */

/* Filled up with blanks to the column's width. */
static char *put_filled(char *at, const struct cell *c, unsigned int width)
{
	at = mempcpy(at, c->text, c->length);
	if (width <= c->columns)
		return at;
	memset(at, ' ', width - c->columns);
	return at + width - c->columns;
}

/* A cell that is wider than its column. */
static char *put_shorter(char *at, unsigned int column, const struct cell *c, unsigned int width)
{
	char whole[3 * SOCKET_CELL_SIZE], shorter[SOCKET_CELL_SIZE];
	const char *text;
	struct cell cut;

	snprintf(whole, sizeof(whole), "%.*s", (int)c->length, c->text);
	text = cell_cuts__shorten(column, whole, width, shorter);
	cut = cell_of(text, strlen(text));
	return put_filled(at, &cut, width);
}

static char *put_column(const struct sockets_text *t, char *at, unsigned int column, bool first,
			const struct cell *c)
{
	unsigned int width = t->widths[column];

	if (!width)
		return at;
	if (!first)
		*at++ = ' ';
	return c->columns > width ? put_shorter(at, column, c, width) : put_filled(at, c, width);
}

/* No line ends with blanks. */
static char *end_line(char *begin, char *at)
{
	while (at > begin && at[-1] == ' ')
		at--;
	return at;
}

static int compare_lines(const void *a, const void *b)
{
	const struct sockets_text_pair *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* The cell of its own that a line has for its pair. */
static void find_pair(const struct sockets_text *t, size_t line, struct cell *c)
{
	const struct sockets_text_pair key = { .line = line }, *found;

	found = bsearch(&key, t->pairs, t->pair_count, sizeof(key), compare_lines);
	if (found)
		next_cell(t->cells + found->begin, c);
}

static char *put_line(const struct sockets_text *t, char *at, size_t line)
{
	const char *next = t->cells + t->begins[line];
	bool red = *next++ == 'r' && t->colours;
	unsigned int column, first = first_of(t);
	char *begin;
	struct cell c;

	if (red)
		at = stpcpy(at, "\033[31m");
	begin = at;
	for (column = 0; column < SOCKET_COLUMNS; column++) {
		next = next_cell(next, &c);
		if (column == COLUMN_PAIR && t->pair_count)
			find_pair(t, line, &c);
		at = put_column(t, at, column, column == first, &c);
	}
	at = end_line(begin, at);
	if (red)
		at = stpcpy(at, "\033[0m");
	*at++ = '\n';
	return at;
}

static char *put_head(const struct sockets_text *t, char *at)
{
	unsigned int column, first = first_of(t);
	char *begin = at;

	for (column = 0; column < SOCKET_COLUMNS; column++) {
		struct cell c = cell_of(columns[column].head, strlen(columns[column].head));

		at = put_column(t, at, column, column == first, &c);
	}
	at = end_line(begin, at);
	*at++ = '\n';
	return at;
}

/* Lines in an order of their own lie anywhere: memory is asked for each some lines before, and for
 * where it begins before that. */
#define LINES_AHEAD 8

static size_t ahead(const struct sockets_text *t, const uint32_t *order, size_t i)
{
	size_t line = i < t->lines ? i : t->lines - 1;

	return order ? order[line] : line;
}

/* A line's cells, filled up. */
#define COMPOSED_SIZE (SOCKET_CELLS_SIZE + SOCKET_COLUMNS * (CELL_COLUMNS + 1) + 16)

void sockets_text__compose(struct sockets_text *t, struct words *w)
{
	char text[COMPOSED_SIZE];
	size_t line;

	make_room_for_heads(t);
	fit(t);
	words__append(w, text, put_head(t, text) - text);
	for (line = 0; line < t->lines; line++)
		words__append(w, text, put_line(t, text, line) - text);
	w->failed |= t->failed;
}

int sockets_text__write(struct sockets_text *t, const uint32_t *order, struct output *o)
{
	char *text = malloc(WRITE_AT_ONCE + COMPOSED_SIZE), *at;
	const char *next;
	size_t i;
	int err = text && !t->failed ? 0 : -ENOMEM;

	make_room_for_heads(t);
	fit(t);
	at = text ? put_head(t, text) : NULL;
	for (i = 0; !err && i < t->lines; i++) {
		next = t->cells + t->begins[ahead(t, order, i + LINES_AHEAD)];
		__builtin_prefetch(&t->begins[ahead(t, order, i + 2 * LINES_AHEAD)]);
		__builtin_prefetch(next);
		__builtin_prefetch(next + 64);
		at = put_line(t, at, order ? order[i] : i);
		if (at - text < WRITE_AT_ONCE)
			continue;
		err = output__write(o, text, at - text);
		at = text;
	}
	if (!err && at > text)
		err = output__write(o, text, at - text);
	free(text);
	return err;
}

void sockets_text__free(struct sockets_text *t)
{
	free(t->cells);
	free(t->begins);
	free(t->pairs);
	*t = (struct sockets_text){ 0 };
}
