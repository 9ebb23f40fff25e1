// SPDX-License-Identifier: GPL-2.0
/* Any text as a FILTER: an error with a column within it, or a filter that can be asked. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "filter/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_subject s = { .family = AF_INET, .local = { { 192, 0, 2, 1 }, 1 },
				    .peer = { { 192, 0, 2, 2 }, 2 }, .netns_name = "" };
	char *text = strndup((const char *)data, size);
	struct filter_error error;
	struct filter *f = filter__parse(text, NULL, &error);

	if (f && filter__matches(f, &s) > TRUTH_YES)
		abort();
	if (!f && (error.column < 1 || error.column > strlen(text) + 1))
		abort();
	filter__free(f);
	free(text);
	return 0;
}
