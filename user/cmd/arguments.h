/* SPDX-License-Identifier: GPL-2.0 */
/* A verb's arguments: argp reads them; what is wrong with them is said so that a terminal may show
 * it, whatever they hold. */
#ifndef HALFOPEN_CMD_ARGUMENTS_H
#define HALFOPEN_CMD_ARGUMENTS_H

#include <argp.h>

/* argp_parse(3). What is wrong ends the program with EXIT_USAGE. */
void arguments__parse(const struct argp *argp, int argc, char **argv, void *input);

/* What argp_error(3) does, with strings made plain. */
void arguments__refuse(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
