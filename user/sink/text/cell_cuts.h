/* SPDX-License-Identifier: GPL-2.0 */
/* What stays of a cell that is wider than its column: what tells its socket from others. */
#ifndef HALFOPEN_SINK_TEXT_CELL_CUTS_H
#define HALFOPEN_SINK_TEXT_CELL_CUTS_H

#include "text/socket_cells.h"

/* ":65535": no narrower is an end. */
#define CELL_CUTS_PORT 6
/* No narrower is an end of which more than its port is shown: "1..7:65535". */
#define CELL_CUTS_END (CELL_CUTS_PORT + 4)

/* `cell` within `width` columns (4 or more), which it has not: in `shorter` of SOCKET_CELL_SIZE bytes,
 * or somewhere that lasts as long as `cell`. */
const char *cell_cuts__shorten(enum socket_column column, const char *cell, unsigned int width,
			       char *shorter);

#endif
