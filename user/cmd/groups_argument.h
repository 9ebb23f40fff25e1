/* SPDX-License-Identifier: GPL-2.0 */
/* --groups FILE: an operator's names for networks of peers. */
#ifndef HALFOPEN_CMD_GROUPS_ARGUMENT_H
#define HALFOPEN_CMD_GROUPS_ARGUMENT_H

#include <argp.h>

#include "value/named_network.h"

/* Reads its lines into `*all`, which the caller frees with their names. An error ends the
 * program. */
void groups_argument__read(const struct argp_state *state, const char *path,
			   struct named_network **all, unsigned int *count);

#endif
