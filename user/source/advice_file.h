/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the output of `advise --json` for `apply`. */
#ifndef HALFOPEN_SOURCE_ADVICE_FILE_H
#define HALFOPEN_SOURCE_ADVICE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "sys/netns.h"

struct advised {
	char id[32];
	uint32_t values[3];	/* idle, interval, probes */
};

/*
 * Reads from the file `fd`, which is closed, the advised change for this namespace of this gateway,
 * which this thread is in: by its name, or by its inode and cookie, which `ns` has. Returns 0,
 * -ENOENT if it advises none, -EBADMSG if it is no advice, does not say for which namespace, or
 * advises different ones, or -errno; `why` then says what is wrong, where (in `shown`), and what
 * was expected.
 */
int advice_file__read(int fd, const char *shown, const char *gateway, const struct netns *ns,
		      struct advised *advised, char *why, size_t size);

#endif
