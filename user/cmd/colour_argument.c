// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "cmd/colour_argument.h"
#include "pipeline/watch.h"

bool colour_argument__read(const char *text, void *at)
{
	enum colour *colour = at;

	if (!strcmp(text, "auto"))
		*colour = COLOUR_AUTO;
	else if (!strcmp(text, "always"))
		*colour = COLOUR_ALWAYS;
	else if (!strcmp(text, "never"))
		*colour = COLOUR_NEVER;
	else
		return false;
	return true;
}
