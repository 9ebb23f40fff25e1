// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/filter_argument.h"
#include "file/exit_code.h"
#include "sys/service_port.h"
#include "value/plain_text.h"

void filter_argument__add(const struct argp_state *state, char **text, const char *word)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", *text ? *text : "", *text ? " " : "", word) < 0)
		argp_failure(state, EXIT_FAILED, ENOMEM, "FILTER");
	free(*text);
	*text = longer;
}

struct filter *filter_argument__parse(const struct argp_state *state, const char *text)
{
	struct filter_error error;
	struct filter *filter;
	char *before;

	if (!text)
		return NULL;
	filter = filter__parse(text, service_port__find, &error);
	if (filter)
		return filter;
	before = strndup(text, error.column ? error.column - 1 : 0);
	arguments__refuse(state, "FILTER, column %u: %s\n    %s\n    %*s", error.column, error.text,
			  text,
			  before ? (int)plain_text__columns(before) + 1 : (int)error.column, "^");
	free(before);
	return NULL;
}
