/* SPDX-License-Identifier: GPL-2.0 */
/* What `halfopen probe --json` wrote: who answered. */
#ifndef HALFOPEN_SOURCE_PROBE_FILE_H
#define HALFOPEN_SOURCE_PROBE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timeline/probe_result.h"

struct probed_socket {
	uint64_t cookie;
	enum probe_answer result;
	uint64_t mono_ns;	/* whoever was heard later is alive; 0: see probed.mono_ns */
};

struct probed {
	struct probed_socket *sockets;	/* by cookie */
	size_t count, size;
	bool interrupted;	/* who answered in time says nothing of the others */
	int64_t at;	/* when the probe had ended, in nanoseconds since 1970, ... */
	uint64_t mono_ns;	/* ... and by CLOCK_MONOTONIC; 0: not known, as of an old file */
	/* Of whom those that were asked are a sample: */
	uint64_t drawn_mono_ns;	/* who was open then, ...; 0: not known */
	char *filter;		/* ... and passed this FILTER; NULL: all */
	unsigned int filter_line;	/* where it stands */
};

/* Reads all of `fd`, which is called `shown`, and closes it. Returns 0 or -errno; then `why`
 * says what is wrong, where, and what was expected. It must be of this boot: cookies begin anew
 * with each. */
int probe_file__read(int fd, const char *shown, const char *boot_id, struct probed *p, char *why,
		     size_t size);

/* NULL: that socket was not drawn. */
const struct probed_socket *probed__find(const struct probed *p, uint64_t cookie);

void probed__free(struct probed *p);

#endif
