// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a recording, through the decoder and the core into JSON Lines; an invalid record
 * ends nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/core.h"
#include "sink/lines.h"
#include "stream/recording.h"

struct run_of_bytes {
	struct core *core;
};

static int take(void *context, const void *bytes, size_t size)
{
	struct run_of_bytes *r = context;
	struct record record;
	const char *why;

	if (record__decode(bytes, size, &record, &why))
		record = record__senseless(0);
	return core__feed(r->core, &record, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int null = -1, file = -1;
	struct core_config config = { .suspect_after = 2, .all = size & 1, .events = size & 2,
				      .every_ns = size & 4 ? 1000000000 : 0 };
	struct output output;
	struct lines lines = { .output = &output };
	struct sink sink = lines__sink(&lines);
	struct recording_problem problem;
	struct run_of_bytes r;
	struct recording_header header;
	struct filter_error error;
	static struct filter *filter;	/* that cannot decide by an event alone */

	if (null < 0) {
		filter = filter__parse("comm = a* or state close-wait or device = d* or netns = n*",
				       NULL, &error);
		null = open("/dev/null", O_WRONLY);
		file = memfd_create("recording", 0);
	}
	output = (struct output){ .fd = null, .name = "null" };
	recording__fill_header(&header);
	if (ftruncate(file, 0) || pwrite(file, &header, sizeof(header), 0) != sizeof(header) ||
	    pwrite(file, data, size, sizeof(header)) != (ssize_t)size)
		abort();
	lseek(file, 0, SEEK_SET);
	config.filter = size & 8 ? filter : NULL;
	r.core = core__new(&config, &sink);
	if (!recording__read(file, -1, take, &r, &problem)) {
		const char *why;

		core__feed(r.core, &(struct record){ .type = RECORD_STOP }, &why);
	}
	core__free(r.core);
	lines__free(&lines);
	return 0;
}
