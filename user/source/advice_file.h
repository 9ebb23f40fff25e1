/* SPDX-License-Identifier: GPL-2.0 */
/* What `advise --json` wrote, read back by `apply`. */
#ifndef HALFOPEN_SOURCE_ADVICE_FILE_H
#define HALFOPEN_SOURCE_ADVICE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "netns.h"

struct advised {
	char id[32];
	uint32_t values[3];	/* idle, interval, probes */
};

/*
 * The change that the file advises for this namespace of this gateway: by its name, or by its inode
 * and cookie, which `ns` has. Returns 0, -ENOENT if it advises none, -EBADMSG if it is no advice,
 * or -errno; `why` then says what is wrong, where, and what was expected.
 */
int advice_file__read(const char *path, const char *gateway, const struct netns *ns,
		      struct advised *advised, char *why, size_t size);

#endif
