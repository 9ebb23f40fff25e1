// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include "cmd/verbosity.h"
#include "sys/log.h"

static const struct argp_option options[] = {
	{ "quiet", 'q', NULL, 0, "only errors on standard error", 9 },
	{ "verbose", 'v', NULL, 0, "say more on standard error", 9 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'q' && key != 'v')
		return ARGP_ERR_UNKNOWN;
	log__set_level(key == 'q' ? LEVEL_ERROR : LEVEL_DEBUG);
	return 0;
}

static const struct argp argp = { options, parse, NULL, NULL, NULL, NULL, NULL };

const struct argp_child verbosity[] = { { &argp, 0, NULL, 0 }, { 0 } };
