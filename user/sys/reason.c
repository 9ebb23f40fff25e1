// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sys/reason.h"

bool reason__is_limit(int err)
{
	err = abs(err);
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

const char *reason__of(int err)
{
	static char text[160];
	struct rlimit files = { 0 };

	err = abs(err);
	switch (err) {
	case EMFILE:
		getrlimit(RLIMIT_NOFILE, &files);
		snprintf(text, sizeof(text), "%s: the limit is %llu, and %d are needed (ulimit -n, "
			 "or LimitNOFILE=)", strerror(err), (unsigned long long)files.rlim_cur,
			 REASON_FILES_NEEDED);
		return text;
	case ENFILE:
		snprintf(text, sizeof(text), "%s: the host's limit, fs.file-max, is reached",
			 strerror(err));
		return text;
	default:
		return strerror(err);
	}
}
