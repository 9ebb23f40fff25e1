/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets counted by program, port, namespace and carrier, as a table. */
#ifndef HALFOPEN_SINK_TEXT_SUMMARY_TABLE_H
#define HALFOPEN_SINK_TEXT_SUMMARY_TABLE_H

#include "timeline/socket_now.h"
#include "value/words.h"

/* A sentence on all of them, a line for each of the first `limit` groups (0: all), and faults of
 * this host, if any; within `width` columns of a terminal (0: any). */
void summary_table__text(struct words *w, const struct sockets_summary *s, uint64_t limit,
			 unsigned int width);

#endif
