/* SPDX-License-Identifier: GPL-2.0 */
/* What the columns say of one socket. Written without printf(3), as there may be a million. */
#ifndef HALFOPEN_SINK_TEXT_SOCKET_CELLS_H
#define HALFOPEN_SINK_TEXT_SOCKET_CELLS_H

#include "timeline/socket_now.h"
#include "value/plain_text.h"

enum socket_column {
	COLUMN_STATE, COLUMN_PEER, COLUMN_DEVICE, COLUMN_LOCAL, COLUMN_OWNER, COLUMN_KEEPALIVE,
	COLUMN_SILENT, COLUMN_DEAD, COLUMN_UNANSWERED, COLUMN_NEXT, COLUMN_DIES, COLUMN_PAIR,
	COLUMN_FAULTS, COLUMN_NOTICES
};
#define SOCKET_COLUMNS (COLUMN_NOTICES + 1)

/* Columns of a name chosen by others. */
#define SOCKET_NAME_COLUMNS 40
#define SOCKET_CELL_SIZE PLAIN_TEXT_SIZE(SOCKET_NAME_COLUMNS)
/* Room for all cells of a line. */
#define SOCKET_CELLS_SIZE (6 * SOCKET_CELL_SIZE + 8 * 64)

/* The last owner as text: it is most often the next one, too. */
struct socket_cells_owner {
	char comm[16], netns[64];
	uint32_t pid;
	char cell[1024];
	size_t length;	/* 0: there is none */
};

/* Writes one cell at `at`, without an end; returns where it ends. */
char *socket_cells__put(struct socket_cells_owner *last, char *at, enum socket_column column,
			const struct socket_now *s);

/* The peer on the other side of a proxy. */
char *socket_cells__put_pair(char *at, const struct timeline_pair *p);

#endif
