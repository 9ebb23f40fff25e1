/* SPDX-License-Identifier: GPL-2.0 */
/* After what time a path forgets idle connections, on a command line. */
#ifndef HALFOPEN_CMD_PATH_ARGUMENT_H
#define HALFOPEN_CMD_PATH_ARGUMENT_H

#include <stdbool.h>

/* The option's help. */
#define PATH_ARGUMENT_NAME "DURATION|NAME"
#define PATH_ARGUMENT_HELP \
	"the path forgets idle connections after this time, as 'halfopen advise' estimates it, or as " \
	"documented of NAME ('halfopen explain nat=?' lists them): whoever is silent for longer is " \
	"surely dead"

/* A duration, or the name of a documented timer, into the uint64_t (nanoseconds) at `at`: the
 * `read` of a struct argument. */
bool path_argument__read(const char *text, void *at);

#endif
