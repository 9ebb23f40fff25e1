// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a file of timelines: a problem that is named, or lives that advice can be made of.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "timelines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void advise(struct lives *l)
{
	struct goals goals = { .detect_within_s = 300, .hold_open = true };
	struct scopes scopes;
	size_t i;

	if (scopes__make(l, NULL, 0, &scopes))
		for (i = 0; i < scopes.count; i++) {
			struct setting current = { 7200, 75, 9, 0 };
			struct evidence evidence;
			struct advice advice;

			if (evidence__gather(l, &scopes.all[i], &evidence) &&
			    !advice__make(l, &scopes.all[i], &evidence, &current, &goals, &advice))
				abort();
			evidence__free(&evidence);
		}
	scopes__free(&scopes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), err;
	struct timelines_problem problem;
	struct lives lives = { 0 };

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
		abort();
	err = timelines__read(fd, &lives, &problem);
	if (err && !*problem.text)
		abort();
	if (!err)
		advise(&lives);
	lives__free(&lives);
	close(fd);
	return 0;
}
