// SPDX-License-Identifier: GPL-2.0
/* The files of one watch: none is read and written, or written twice. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/exit_code.h"
#include "pipeline/watch.h"
#include "sys/log.h"

struct named_file {
	const char *name;	/* NULL: not given */
	const char *what;
	int standard;		/* the descriptor that "-" stands for; -1: none */
	bool is_written;
};

/* The file as it is now, under any name. */
static bool find(const struct named_file *f, struct stat *st)
{
	if (!f->name)
		return false;
	if (f->standard >= 0 && !strcmp(f->name, "-"))
		return !fstat(f->standard, st);
	return !stat(f->name, st);
}

/* Devices may be read and written by several; a file that is written twice would be lost. */
static bool is_one_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       (S_ISREG(a->st_mode) || S_ISFIFO(a->st_mode));
}

int watch__check_files(const struct watch *w)
{
	const struct watch_options *o = &w->options;
	struct recorder_config config = { .path = o->record, .max_bytes = o->record_max,
					  .max_age_ns = o->record_age_ns };
	char *old = o->record ? recorder__old_name(&config) : NULL;
	const struct named_file files[] = {
		{ o->output ? o->output : "-", "what is told (-o)", STDOUT_FILENO, true },
		{ o->record, "the recording (-w)", STDOUT_FILENO, true },
		{ old, "the recording's older half", -1, true },
		{ o->replay, "the recording that is replayed (-r)", STDIN_FILENO, false },
		{ o->identities, "the identities", -1, false },
		{ o->peers_key, "the key of pseudonyms", STDIN_FILENO, false },
	};
	unsigned int count = sizeof(files) / sizeof(files[0]), i, j;
	const char *refused;
	int code = EXIT_DONE;
	struct stat a, b;

	for (i = 0; !code && i < count; i++)
		for (j = i + 1; !code && j < count; j++) {
			if ((!files[i].is_written && !files[j].is_written) ||
			    !find(&files[i], &a) || !find(&files[j], &b) || !is_one_file(&a, &b))
				continue;
			log_error("%s: cannot be both %s and %s", files[j].name, files[i].what,
				  files[j].what);
			code = EXIT_USAGE;
		}
	if (!code && old && (refused = recorder__refused_old(old))) {
		log_error("%s: %s: expected a recording, or nothing: the older half of %s goes "
			  "there",
			  old, refused, o->record);
		code = EXIT_USAGE;
	}
	free(old);
	return code;
}
