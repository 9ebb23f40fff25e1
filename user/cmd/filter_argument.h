/* SPDX-License-Identifier: GPL-2.0 */
/* FILTER on a command line. */
#ifndef HALFOPEN_CMD_FILTER_ARGUMENT_H
#define HALFOPEN_CMD_FILTER_ARGUMENT_H

#include <argp.h>

#include "filter/filter.h"

/* The shell splits FILTER into words: appends one to `*text`, which the caller frees. */
void filter_argument__add(const struct argp_state *state, char **text, const char *word);

/* Parses it; NULL for NULL. A mistake is pointed at, and ends the program with EXIT_USAGE. */
struct filter *filter_argument__parse(const struct argp_state *state, const char *text);

#endif
