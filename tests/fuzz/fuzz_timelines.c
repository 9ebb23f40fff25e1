// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a file of timelines: an error that is named, or histories that advice can be made
 * of, in words without terminal controls. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sink/advice_json.h"
#include "source/timelines.h"
#include "text/advice_text.h"
#include "tuning/advice.h"
#include "tuning/life_of.h"
#include "value/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_shown(const char *text, size_t size)
{
	uint32_t character;
	size_t at, length;

	for (at = 0; at < size; at += length) {
		length = utf8__decode(text + at, &character);
		if (!length || (text[at] != '\n' && utf8__is_hidden(character)))
			abort();
	}
}

static void write_out(const struct lives *l, const struct advice *a)
{
	struct line_origin origin = { .gateway = "g", .boot_id = "b", .run_id = "r" };
	struct words w = { 0 };
	struct json j = { 0 };

	advice_text__write(&w, l, a);
	advice_text__policy(&w, l, a);
	must_be_shown(w.text, w.length);
	words__free(&w);
	advice_json__write(&j, &origin, l, a);
	must_be_shown(j.text, j.length);
	json__free(&j);
}

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

			if (!evidence__gather(l, &scopes.all[i], &evidence) ||
			    !advice__make(l, &scopes.all[i], &evidence, &current, &goals, &advice))
				abort();
			write_out(l, &advice);
			evidence__free(&evidence);
		}
	scopes__free(&scopes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), err;
	struct timelines_problem problem;
	struct lives lives = { 0 };
	struct sink sink = lives__sink(&lives);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
		abort();
	err = timelines__read(fd, &sink, &problem);
	if (err && !*problem.text)
		abort();
	if (!err)
		advise(&lives);
	lives__free(&lives);
	close(fd);
	return 0;
}
