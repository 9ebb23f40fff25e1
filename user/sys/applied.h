/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes of net.ipv4.tcp_keepalive_* that we made and can take back. What was there before is on
 * disk before the first value is written, so that whatever happens to us, it can be put back; who
 * else changes a value meanwhile is left alone.
 */
#ifndef HALFOPEN_SYS_APPLIED_H
#define HALFOPEN_SYS_APPLIED_H

#include <stdbool.h>
#include <stdint.h>

#include "netns.h"

#define STATE_DIRECTORY "/var/lib/halfopen"

#define TUNABLES 3	/* idle, interval, probes: in this order everywhere */

/* "net.ipv4.tcp_keepalive_time", ... */
const char *tunable__name(unsigned int tunable);

/* Of the namespace that this thread is in. Return 0 or -errno. */
int tunables__read(uint32_t values[TUNABLES]);
int tunable__write(unsigned int tunable, uint32_t value);

/* What is known on disk of one namespace of this boot. */
struct applied {
	uint32_t netns;		/* inode; 0: nothing was applied */
	uint64_t cookie; /* netns__cookie(): an inode may be another's by now; 0: not known */
	char name[64];		/* of the namespace, "" = none */
	uint32_t before[TUNABLES], after[TUNABLES];
	uint32_t before_trial[TUNABLES]; /* what a trial goes back to: an earlier change stays */
	int64_t trial_until_s;	/* CLOCK_BOOTTIME; 0: no trial */
	bool persisted;		/* in /etc/sysctl.d/90-halfopen.conf */
};

/* Nobody else changes what is saved, until it is closed: a descriptor; -EWOULDBLOCK if somebody
 * does already, or -errno. Makes the directory. */
int applied__lock(const char *directory);

/* Into `a`, all 0 if there is nothing, or nothing that outlived a reboot. Returns 0, -EBADMSG if
 * the file is none of ours, or -errno. */
int applied__load(const char *directory, uint32_t netns, struct applied *a);

/* Replaces what is known, at once or not at all, and for good. Returns 0 or -errno. */
int applied__save(const char *directory, const struct applied *a);
int applied__forget(const char *directory, uint32_t netns);

/* Inodes of all namespaces of which something is known, sorted; how many, at most `size`. */
unsigned int applied__list(const char *directory, uint32_t *netns, unsigned int size);

enum taken_back { TAKEN_BACK, WAS_BACK, CHANGED_BY_OTHERS };

/*
 * Puts back, in the namespace that this thread is in, each value that is still what we wrote;
 * `results` and `found` (the values as they were) have one place a tunable. Returns 0 or the -errno
 * of the first that could not be written; the others are tried all the same.
 */
int applied__take_back(const struct applied *a, enum taken_back results[TUNABLES],
		       uint32_t found[TUNABLES]);

/* The file of sysctl.d(5) that keeps `values` over a reboot, replaced at once or not at all; with
 * NULL removed. `root` stands before its path. Returns 0 or -errno. */
#define PERSISTENT_FILE "/etc/sysctl.d/90-halfopen.conf"
int applied__persist(const char *root, const uint32_t values[TUNABLES]);

/* CLOCK_BOOTTIME, which goes on while the machine sleeps. */
int64_t applied__now_s(void);

#endif
