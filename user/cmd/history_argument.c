// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/history_argument.h"
#include "file/exit_code.h"

void history_argument__add(const struct argp_state *state, const char ***names, unsigned int *count,
			   const char *name)
{
	const char **bigger;
	unsigned int i;

	for (i = 0; i < *count; i++)
		if (!strcmp((*names)[i], "-") && !strcmp(name, "-"))
			arguments__refuse(state, "--history: '-' is standard input, which can be "
					  "read once only");
	bigger = realloc(*names, (*count + 1) * sizeof(*bigger));
	if (!bigger) {
		argp_failure(state, EXIT_FAILED, ENOMEM, "--history");
		return;
	}
	*names = bigger;
	bigger[(*count)++] = name;
}
