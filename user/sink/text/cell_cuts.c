// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "text/cell_cuts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *cut_end(const char *text, unsigned int width, char *shorter)
{
	return plain_text__within(text, width, shorter, SOCKET_CELL_SIZE);
}

/* The address of an end within so many columns: both its sides tell hosts apart, its middle is left
 * out. Returns where it ends. */
static char *put_address(char *at, const char *address, size_t length, unsigned int width)
{
	bool bracket = address[length - 1] == ']';
	size_t room = width - 2 - bracket, tail = room * 2 / 5, head = room - tail;

	if (length <= width)
		return mempcpy(at, address, length);
	at = stpcpy(mempcpy(at, address, head), "..");
	return mempcpy(at, address + length - bracket - tail, tail + bracket);
}

/* Of an end that does not fit, the port stays: "[2001:db8..4:5671]:46786", ":1883". Its address looks
 * the same with each port. */
static const char *keep_port(const char *cell, unsigned int width, char *shorter)
{
	const char *port = strrchr(cell, ':');
	size_t length = port ? strlen(port) : 0;
	char *end;

	if (!port || length > width)
		return cut_end(cell, width, shorter);
	if (width < CELL_CUTS_END)
		return port;
	end = put_address(shorter, cell, port - cell, width - CELL_CUTS_PORT);
	strcpy(end, port);
	return shorter;
}

/* Before an end stands that it is suspect, or nothing. */
static const char *keep_pair(const char *cell, unsigned int width, char *shorter)
{
	const char *blank = strchr(cell, ' ');
	size_t before = blank ? blank + 1 - cell : 0;

	if (before + CELL_CUTS_PORT > width)
		return cut_end(cell, width, shorter);
	if (before) {
		char end[SOCKET_CELL_SIZE];

		strcpy(mempcpy(shorter, cell, before), keep_port(cell + before, width - before, end));
		return shorter;
	}
	return keep_port(cell, width, shorter);
}

/* Of a list, what stands before `separator` stays: "7200/75/9+", "close_wait+". */
static const char *keep_first(const char *cell, char separator, unsigned int width, char *shorter)
{
	const char *first = strchr(cell, separator);
	size_t length = first ? first - cell : 0;

	if (!first || length + 1 > width)
		return cut_end(cell, width, shorter);
	strcpy(mempcpy(shorter, cell, length), "+");
	return shorter;
}

/* Columns of a program's name that are left beside its pid, at least. */
#define COMM_COLUMNS 7

/* Of an owner the program stays, then its pid, then its namespace: "gate.../4711". */
static const char *keep_program(const char *cell, unsigned int width, char *shorter)
{
	const char *at = strrchr(cell, '@'), *pid;
	char comm[SOCKET_CELL_SIZE], owner[SOCKET_CELL_SIZE];
	size_t length;

	snprintf(owner, sizeof(owner), "%.*s", (int)(at ? at - cell : (ptrdiff_t)strlen(cell)), cell);
	pid = strrchr(owner, '/');
	if (!pid || plain_text__columns(owner) + 4 <= width)
		return cut_end(cell, width, shorter);
	if (plain_text__columns(owner) <= width)
		return strcpy(shorter, owner);
	length = strlen(pid);
	snprintf(comm, sizeof(comm), "%.*s", (int)(pid - owner), owner);
	if (length + COMM_COLUMNS > width)
		return cut_end(comm, width, shorter);
	cut_end(comm, width - length, shorter);
	return strcat(shorter, pid);
}

/* Names of states that say the same in seven columns. */
static const char *brief_state(const char *cell, unsigned int width, char *shorter)
{
	static const char *const briefly[][2] = {
		{ "FIN-WAIT-1", "FIN-W-1" }, { "FIN-WAIT-2", "FIN-W-2" }, { "CLOSE-WAIT", "CLOSE-W" },
		{ "LAST-ACK", "LASTACK" }, { "SYN-RECV", "SYNRECV" } };
	unsigned int i;

	for (i = 0; i < COUNT_OF(briefly); i++)
		if (!strcmp(cell, briefly[i][0]) && strlen(briefly[i][1]) <= width)
			return briefly[i][1];
	return cut_end(cell, width, shorter);
}

const char *cell_cuts__shorten(enum socket_column column, const char *cell, unsigned int width,
			       char *shorter)
{
	switch (column) {
	case COLUMN_STATE:
		return brief_state(cell, width, shorter);
	case COLUMN_PEER:
	case COLUMN_LOCAL:
		return keep_port(cell, width, shorter);
	case COLUMN_PAIR:
		return keep_pair(cell, width, shorter);
	case COLUMN_OWNER:
		return keep_program(cell, width, shorter);
	case COLUMN_KEEPALIVE:
		return keep_first(cell, ' ', width, shorter);
	case COLUMN_FAULTS:
		return keep_first(cell, ',', width, shorter);
	default:
		return cut_end(cell, width, shorter);
	}
}
