/* SPDX-License-Identifier: GPL-2.0 */
/* -q and -v, which every verb has. */
#ifndef HALFOPEN_CMD_VERBOSITY_H
#define HALFOPEN_CMD_VERBOSITY_H

#include <argp.h>

/* Children of the verb's own struct argp. */
extern const struct argp_child verbosity[];

#endif
