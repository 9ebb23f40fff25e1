/* SPDX-License-Identifier: GPL-2.0 */
/* --color on a command line. */
#ifndef HALFOPEN_CMD_COLOUR_ARGUMENT_H
#define HALFOPEN_CMD_COLOUR_ARGUMENT_H

#include <stdbool.h>

/* auto, always, never, into the enum colour at `at`: the `read` of a struct argument. */
bool colour_argument__read(const char *text, void *at);

#endif
