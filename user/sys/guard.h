/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who takes a trial back when its time is over, whatever happens to whoever began it: a process of
 * its own, a service of systemd's where that runs (which outlives a login). It has a twin:
 * whichever of the two is killed, the other replaces it within a second.
 */
#ifndef HALFOPEN_SYS_GUARD_H
#define HALFOPEN_SYS_GUARD_H

#include <stdint.h>

/* Starts one for the trial that is known in `directory` of this namespace (or is going to be within
 * a minute) and ends at `until_s` (CLOCK_BOOTTIME). Returns 0 or -errno: then there is none. */
int guard__start(const char *directory, uint32_t netns, int64_t until_s);

/* What it does: waits, as long as the trial is on, and takes it back. An exit code. */
int guard__run(const char *directory, uint32_t netns, int64_t until_s);

#endif
