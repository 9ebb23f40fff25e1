// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/groups_argument.h"
#include "file/exit_code.h"
#include "file/input_file.h"

void groups_argument__read(const struct argp_state *state, const char *path,
			   struct named_network **all, unsigned int *count)
{
	static const char what[] = "lines of CIDR NAME (--groups)";
	int fd = input_file__open(path, what);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	unsigned int number = 0;
	char line[512];

	if (!f) {
		exit(fd < 0 ? exit_code__of_input(fd) : EXIT_FAILED);
		return;
	}
	if (input_file__is_endless(fd, path, what))
		exit(EXIT_USAGE);
	while (fgets(line, sizeof(line), f)) {
		struct named_network n, *bigger;
		const char *expected = named_network__read(line, &n);

		number++;
		if (expected) {
			arguments__refuse(state, "%s:%u: expected %s", path, number, expected);
			break;
		}
		if (!n.name)
			continue;
		n.name = strdup(n.name);
		bigger = realloc(*all, (*count + 1) * sizeof(*bigger));
		if (!n.name || !bigger) {
			argp_failure(state, EXIT_FAILED, ENOMEM, "--groups");
			break;
		}
		*all = bigger;
		bigger[(*count)++] = n;
	}
	fclose(f);
}
