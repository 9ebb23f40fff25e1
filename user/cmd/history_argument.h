/* SPDX-License-Identifier: GPL-2.0 */
/* --history FILE, once or several times. */
#ifndef HALFOPEN_CMD_HISTORY_ARGUMENT_H
#define HALFOPEN_CMD_HISTORY_ARGUMENT_H

#include <argp.h>

/* Appends a name to `*names`, which the caller frees, without them. An error ends the program. */
void history_argument__add(const struct argp_state *state, const char ***names, unsigned int *count,
			   const char *name);

#endif
