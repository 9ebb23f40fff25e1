// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/tcp_states.h"
#include "text/sockets_text.h"
#include "timeline/names.h"
#include "value/address.h"
#include "value/number.h"
#include "value/plain_text.h"
#include "value/program_name.h"
#include "value/words.h"

/* Columns of a name chosen by others. */
#define NAME_COLUMNS 40
#define CELL_SIZE PLAIN_TEXT_SIZE(NAME_COLUMNS)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* Columns of an address beside its port, below which it is not shown. */
#define ADDRESS_COLUMNS 5
/* ":65535": no narrower is anything. */
#define PORT_COLUMNS 6
/* All cells of a line. */
#define LINE_SIZE (6 * CELL_SIZE + 8 * 64)
#define WRITE_AT_ONCE 65536

enum column {
	COLUMN_STATE, COLUMN_PEER, COLUMN_DEVICE, COLUMN_LOCAL, COLUMN_OWNER, COLUMN_KEEPALIVE,
	COLUMN_SILENT, COLUMN_DEAD, COLUMN_UNANSWERED, COLUMN_NEXT, COLUMN_DIES, COLUMN_PAIR,
	COLUMN_FAULTS, COLUMN_NOTICES,
};

/* `least`: narrower it is not made on a terminal. */
static const struct {
	const char *head;
	unsigned int least;
} columns[SOCKETS_TEXT_COLUMNS] = {
	[COLUMN_STATE] = { "STATE", 7 }, [COLUMN_PEER] = { "PEER", 15 },
	[COLUMN_DEVICE] = { "DEVICE", 8 }, [COLUMN_LOCAL] = { "LOCAL", 6 },
	[COLUMN_OWNER] = { "OWNER", 8 }, [COLUMN_KEEPALIVE] = { "KEEPALIVE", 11 },
	[COLUMN_SILENT] = { "SILENT", 8 }, [COLUMN_DEAD] = { "DEAD", 5 },
	[COLUMN_UNANSWERED] = { "ASKS", 8 },
	[COLUMN_NEXT] = { "NEXT", 8 }, [COLUMN_DIES] = { "DIES", 8 },
	[COLUMN_NOTICES] = { "NOTICES", 8 },
	[COLUMN_PAIR] = { "PAIR", 15 }, [COLUMN_FAULTS] = { "FAULT", 6 },
};

/* ---- cells ---- */

static char *put_text(char *at, const char *text)
{
	return stpcpy(at, text);
}

/* "12s", "3m20s", "2h11m", "5d3h": two units, rounded down. Written without printf(3), as there may
 * be a million. */
static char *put_duration(char *at, double s)
{
	static const struct {
		uint64_t s;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	uint64_t whole = s < 0 ? 0 : (uint64_t)s;
	unsigned int i = 0;

	while (i < 3 && whole < units[i].s)
		i++;
	at = number__put(at, whole / units[i].s);
	*at++ = units[i].unit;
	whole %= units[i].s;
	if (i < 3 && whole / units[i + 1].s) {	/* "3m", not "3m0s" */
		at = number__put(at, whole / units[i + 1].s);
		*at++ = units[i + 1].unit;
	}
	return at;
}

static char *put_duration_or(char *at, double s, const char *otherwise)
{
	return isinf(s) ? put_text(at, otherwise) : put_duration(at, s);
}

static char *put_options(char *at, const struct timeline_keepalive *k)
{
	const double values[] = { k->idle_s, k->interval_s, k->probes };
	const enum option_source from[] = { k->idle_from, k->interval_from, k->probes_from };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		bool is_sysctl = from[i] == OPTION_FROM_SYSCTL;

		if (i)
			*at++ = '/';
		if (is_sysctl && (!i || from[i - 1] != OPTION_FROM_SYSCTL))
			*at++ = '(';
		at = number__put(at, values[i] < 0 ? 0 : (uint64_t)values[i]);
		if (is_sysctl && (i == 2 || from[i + 1] != OPTION_FROM_SYSCTL))
			*at++ = ')';
	}
	return at;
}

/* Values from sysctls are in parentheses: 60/(75/9). */
static char *put_keepalive(char *at, const struct timeline_keepalive *k)
{
	if (!k->enabled)
		return put_text(at, "off");
	at = put_options(at, k);
	if (k->user_timeout_ms > 0) {
		at = put_text(at, " ut=");
		at = put_duration(at, k->user_timeout_ms / 1e3);
	}
	return at;
}

static char *put_end(char *at, const struct timeline_end *e)
{
	char text[ADDRESS_TEXT_SIZE];

	return put_text(at, address__with_port(e->address, e->port, text));
}

static char *put_name(char *at, const char *name)
{
	plain_text__within(name, NAME_COLUMNS, at, CELL_SIZE);
	return at + strlen(at);
}

/* comm/pid@NAMESPACE */
static char *put_owner(char *at, const struct timeline_socket *s, enum no_owner no_owner)
{
	static const char *const none[NO_OWNER_COUNT] = {
		[HAS_OWNER] = "-", [NOT_ACCEPTED] = "(not accepted)", [CLOSED_BY_OWNER] = "-",
		[OWNER_UNSEEN] = "?" };

	if (s->owner.known) {
		at = put_name(at, program_name__shown(s->owner.comm));
		*at++ = '/';
		at = number__put(at, s->owner.pid);
	} else {
		at = put_text(at, none[no_owner]);
	}
	if (*s->netns.name) {
		*at++ = '@';
		at = put_name(at, s->netns.name);
	}
	return at;
}

/* As ss(8) calls them. */
static const char *state_name(unsigned int state)
{
	switch (state) {
	case TCP_ESTABLISHED:
		return "ESTAB";
	case TCP_SYN_RECV:
		return "SYN-RECV";
	case TCP_FIN_WAIT1:
		return "FIN-WAIT-1";
	case TCP_FIN_WAIT2:
		return "FIN-WAIT-2";
	case TCP_CLOSE_WAIT:
		return "CLOSE-WAIT";
	case TCP_LAST_ACK:
		return "LAST-ACK";
	default:
		return tcp_state__name(state);
	}
}

/* The peer on the other side of a proxy. */
static char *put_pair(char *at, const struct timeline_pair *p)
{
	if (!p->cookie)
		return at;
	if (p->suspect)
		at = put_text(at, "suspect ");
	return put_end(at, &p->peer);
}

/* "close_wait,probes_off" */
static char *put_faults(char *at, unsigned int faults)
{
	const char *begin = at;
	unsigned int i;

	for (i = 0; i < SOCKET_FAULTS; i++) {
		if (!(faults & 1U << i))
			continue;
		if (at > begin)
			*at++ = ',';
		at = put_text(at, socket_fault__name(i));
	}
	return at;
}

/* How likely its peer is; "" where nothing is known. */
static char *put_dead(char *at, double chance)
{
	if (isnan(chance))
		return at;
	if (chance > 0 && chance < 0.01)
		return put_text(at, "<1%");
	if (chance < 1 && chance > 0.99)
		return put_text(at, ">99%");
	return put_text(number__put(at, lround(chance * 100)), "%");
}

static char *put_cell(char *at, enum column column, const struct socket_now *s)
{
	switch (column) {
	case COLUMN_STATE:
		return put_text(at, state_name(s->state));
	case COLUMN_PEER:
		return put_end(at, &s->socket.peer);
	case COLUMN_DEVICE:
		return put_name(at, s->socket.device);
	case COLUMN_LOCAL:
		return put_end(at, &s->socket.local);
	case COLUMN_OWNER:
		return put_owner(at, &s->socket, s->no_owner);
	case COLUMN_KEEPALIVE:
		return put_keepalive(at, &s->keepalive);
	case COLUMN_SILENT:
		return put_duration(at, s->silent_s);
	case COLUMN_DEAD:
		return put_dead(at, s->dead_probability);
	case COLUMN_UNANSWERED:
		return number__put(at, s->unanswered);
	case COLUMN_NEXT:
		return put_duration_or(at, s->next_probe_in_s, "-");
	case COLUMN_DIES:
		return put_duration_or(at, s->dies_in_s, s->ended_at ? "-" : "never");
	case COLUMN_NOTICES:
		if (s->ended_at)
			return put_text(at, "-");
		if (!s->exposed && !isinf(s->notices_in_s))
			return put_text(at, "local");
		return s->notices_in_s < 0 ? put_text(at, "-")
					   : put_duration_or(at, s->notices_in_s, "never");
	case COLUMN_PAIR:
		return put_pair(at, &s->pair);
	case COLUMN_FAULTS:
		return put_faults(at, s->faults);
	}
	return at;
}

static bool make_room(struct sockets_text *t)
{
	size_t size = t->size ? 2 * t->size : 1 << 16;
	char *bigger;

	if (t->used + LINE_SIZE <= t->size)
		return true;
	bigger = realloc(t->cells, size);
	t->failed |= !bigger;
	if (!bigger)
		return false;
	t->cells = bigger;
	t->size = size;
	return true;
}

/* How many columns it takes; of most cells all are ASCII. */
static unsigned int columns_of(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return plain_text__columns(text);
	return length;
}

void sockets_text__add(struct sockets_text *t, const struct socket_now *s)
{
	unsigned int column, width;
	char *begin, *end;

	if (t->failed || !make_room(t))
		return;
	t->cells[t->used++] = s->suspect ? 'r' : ' ';
	for (column = 0; column < SOCKETS_TEXT_COLUMNS; column++) {
		begin = t->cells + t->used;
		end = put_cell(begin, column, s);
		*end = '\0';
		width = columns_of(begin, end - begin);
		if (width > t->widths[column])
			t->widths[column] = width;
		t->used = end + 1 - t->cells;
	}
	t->lines++;
}

/* ---- lines ---- */

/* A column that is empty in every line is left away; the others have room for their heads. */
static void make_room_for_heads(struct sockets_text *t)
{
	unsigned int column;

	for (column = 0; column < SOCKETS_TEXT_COLUMNS; column++)
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

	while (column < SOCKETS_TEXT_COLUMNS && !t->widths[column])
		column++;
	return column;
}

/* As it is, or (`least`) as narrow as it may become. */
static unsigned int width_of_line(const struct sockets_text *t, bool least)
{
	unsigned int column, width = 0;

	for (column = 0; column < SOCKETS_TEXT_COLUMNS; column++) {
		unsigned int w = t->widths[column];

		if (least && w > columns[column].least)
			w = columns[column].least;
		width += w ? w + (column > first_of(t)) : 0;
	}
	return width;
}

/* The widest of those that may become narrower; SOCKETS_TEXT_COLUMNS: there is none. */
static unsigned int widest_of(const struct sockets_text *t)
{
	unsigned int column, widest = SOCKETS_TEXT_COLUMNS;

	for (column = 0; column < SOCKETS_TEXT_COLUMNS; column++)
		if (t->widths[column] > columns[column].least &&
		    (widest == SOCKETS_TEXT_COLUMNS || t->widths[column] > t->widths[widest]))
			widest = column;
	return widest;
}

/* A local end of which the port alone is shown needs no more room: the others have it then. */
static void share_room_of_local(struct sockets_text *t, const unsigned int wanted[])
{
	static const enum column takers[] = { COLUMN_PEER, COLUMN_OWNER, COLUMN_KEEPALIVE };
	unsigned int i;

	if (!t->widths[COLUMN_LOCAL] || t->widths[COLUMN_LOCAL] >= wanted[COLUMN_LOCAL] ||
	    t->widths[COLUMN_LOCAL] >= columns[COLUMN_LOCAL].least + ADDRESS_COLUMNS)
		return;
	t->widths[COLUMN_LOCAL] = columns[COLUMN_LOCAL].least;
	for (i = 0; i < COUNT_OF(takers); i++)
		while (t->widths[takers[i]] && t->widths[takers[i]] < wanted[takers[i]] &&
		       width_of_line(t, false) < t->width)
			t->widths[takers[i]]++;
}

/* Drops dispensable columns, if there is no room for all; then narrows the widest until they
 * fit. */
static void fit(struct sockets_text *t)
{
	static const enum column dispensable[] = {
		COLUMN_PAIR, COLUMN_NEXT, COLUMN_OWNER, COLUMN_LOCAL, COLUMN_KEEPALIVE,
		COLUMN_NOTICES, COLUMN_DEVICE, COLUMN_DIES, COLUMN_FAULTS, COLUMN_UNANSWERED,
		COLUMN_DEAD, COLUMN_STATE, COLUMN_SILENT };
	unsigned int i, widest, wanted[SOCKETS_TEXT_COLUMNS];

	if (!t->width)
		return;
	memcpy(wanted, t->widths, sizeof(wanted));
	for (i = 0; i < COUNT_OF(dispensable) && width_of_line(t, true) > t->width; i++)
		t->widths[dispensable[i]] = 0;
	while (width_of_line(t, false) > t->width) {
		widest = widest_of(t);
		if (widest == SOCKETS_TEXT_COLUMNS)
			break;
		t->widths[widest]--;
	}
	if (width_of_line(t, false) > t->width) {	/* peers alone are left */
		t->widths[COLUMN_PEER] = t->width < PORT_COLUMNS ? PORT_COLUMNS : t->width;
		return;
	}
	share_room_of_local(t, wanted);
}

/* Of an end that does not fit, the port stays: "203.0...:46786", ":1883". */
static const char *keep_port(const char *cell, unsigned int width, char *shorter)
{
	const char *port = strrchr(cell, ':');
	size_t length = port ? strlen(port) : 0;

	if (!port || length > width)
		return plain_text__within(cell, width, shorter, CELL_SIZE);
	if (length + 5 > width)
		return port;
	snprintf(shorter, CELL_SIZE, "%.*s..%s", (int)(width - length - 2), cell, port);
	return shorter;
}

/* No line ends with blanks. */
static void end_cells(struct words *w)
{
	while (w->length && w->text[w->length - 1] == ' ')
		w->length--;
}

/* Of options that do not fit, the three of keepalive stay: "7200/75/9+". */
static const char *keep_options(const char *cell, unsigned int width, char *shorter)
{
	const char *blank = strchr(cell, ' ');
	size_t length = blank ? blank - cell : 0;

	if (!blank || length + 1 > width)
		return plain_text__within(cell, width, shorter, CELL_SIZE);
	snprintf(shorter, CELL_SIZE, "%.*s+", (int)length, cell);
	return shorter;
}

static const char *shorten(unsigned int column, const char *cell, unsigned int width, char *shorter)
{
	switch (column) {
	case COLUMN_PEER:
	case COLUMN_LOCAL:
	case COLUMN_PAIR:
		return keep_port(cell, width, shorter);
	case COLUMN_KEEPALIVE:
		return keep_options(cell, width, shorter);
	default:
		return plain_text__within(cell, width, shorter, CELL_SIZE);
	}
}

static void add_cell(const struct sockets_text *t, struct words *w, unsigned int column,
		     const char *cell)
{
	unsigned int width = t->widths[column], taken = columns_of(cell, strlen(cell));
	static const char blanks[] = "                                                            "
				     "                                                            ";
	char shorter[CELL_SIZE];

	if (!width)
		return;
	if (column > first_of(t))
		words__append(w, " ", 1);
	if (taken > width) {
		cell = shorten(column, cell, width, shorter);
		taken = columns_of(cell, strlen(cell));
	}
	words__append(w, cell, strlen(cell));
	if (width > taken)
		words__append(w, blanks, width - taken < sizeof(blanks) ? width - taken
									: sizeof(blanks) - 1);
}

/* Returns the cell behind the line's last. */
static const char *add_line(const struct sockets_text *t, struct words *w, const char *cell)
{
	bool red = *cell++ == 'r' && t->colours;
	unsigned int column;

	if (red)
		words__append(w, "\033[31m", 5);
	for (column = 0; column < SOCKETS_TEXT_COLUMNS; column++) {
		add_cell(t, w, column, cell);
		cell += strlen(cell) + 1;
	}
	end_cells(w);
	if (red)
		words__append(w, "\033[0m", 4);
	words__append(w, "\n", 1);
	return cell;
}

static void add_head(const struct sockets_text *t, struct words *w)
{
	unsigned int column;

	for (column = 0; column < SOCKETS_TEXT_COLUMNS; column++)
		add_cell(t, w, column, columns[column].head);
	end_cells(w);
	words__append(w, "\n", 1);
}

void sockets_text__compose(struct sockets_text *t, struct words *w)
{
	const char *cell = t->cells;
	size_t line;

	make_room_for_heads(t);
	fit(t);
	add_head(t, w);
	for (line = 0; line < t->lines; line++)
		cell = add_line(t, w, cell);
	w->failed |= t->failed;
}

int sockets_text__write(struct sockets_text *t, struct output *o)
{
	const char *cell = t->cells;
	struct words w = { 0 };
	size_t line;
	int err = 0;

	make_room_for_heads(t);
	fit(t);
	add_head(t, &w);
	for (line = 0; !err && line < t->lines; line++) {
		cell = add_line(t, &w, cell);
		if (w.length < WRITE_AT_ONCE)
			continue;
		err = output__write(o, w.text, w.length);
		w.length = 0;
	}
	if (!err && w.length)
		err = output__write(o, w.text, w.length);
	if (!err && (w.failed || t->failed))
		err = -ENOMEM;
	words__free(&w);
	return err;
}

void sockets_text__free(struct sockets_text *t)
{
	free(t->cells);
	*t = (struct sockets_text){ 0 };
}
