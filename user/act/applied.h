/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes of net.ipv4.tcp_keepalive_* that we made and can take back. What was there before is on
 * disk before the first value is written, so that whatever happens to us, it can be put back; who
 * else changes a value meanwhile is left alone.
 */
#ifndef HALFOPEN_ACT_APPLIED_H
#define HALFOPEN_ACT_APPLIED_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/netns.h"
#include "sys/tunables.h"

#define STATE_DIRECTORY "/var/lib/halfopen"

/* What is known on disk of one namespace: of this boot or, of the host's, what outlived the last. */
struct applied {
	uint32_t netns;		/* applied__key(); 0: nothing was applied */
	uint32_t inode;
	uint64_t cookie; /* netns__cookie(): an inode may be another's by now; 0: not known */
	char name[NETNS_NAME_SIZE];	/* of the namespace, "" = none */
	bool written[TUNABLES];	/* by us; of others what follows is what there was */
	int32_t before[TUNABLES], after[TUNABLES];
	int32_t before_trial[TUNABLES]; /* what a trial goes back to: an earlier change stays */
	int64_t trial_until_s;	/* CLOCK_BOOTTIME; 0: no trial */
	uint64_t id;	/* of this change: whoever comes back to it knows whether it still stands */
	bool guarded;	/* the trial's guard has answered: no value is written before */
	char path[NETNS_PATH_SIZE];	/* where its namespace was found, absolute; "" = not known */
	bool asked[TUNABLES];	/* for by the last change: what --keep --persist writes */
	/* What PERSISTENT_FILE says, and what it is about to say: the same, unless we died of that. */
	struct tunable_values persisted, persisting;
	bool of_earlier_boot;	/* nothing else outlived that */
};

/* Under which number the namespace that this thread is in is known: its inode, wherever it is looked
 * at from, but for the host's own, which has another one after a boot of another kernel. */
#define APPLIED_HOST 1		/* no namespace's inodes */
#define APPLIED_CONTAINER 2	/* where older versions kept that of any container's process 1 */
uint32_t applied__key(void);

/* "applied-N", "applied-host": the file in which it is kept. */
#define APPLIED_FILE_SIZE 24
const char *applied__file(uint32_t key, char name[APPLIED_FILE_SIZE]);

/* Into `a`, all 0 if there is nothing, or nothing that outlived a reboot. Returns 0, -EBADMSG if
 * the file is none of ours, or -errno. */
int applied__load(const char *directory, uint32_t key, struct applied *a);

/* The same of the namespace that this thread is in, whose cookie is known; all 0, too, if it is of
 * another one that had its inode. */
int applied__load_of(const char *directory, const struct netns *ns, struct applied *a);

/* The namespace that it is of; -ENOENT if that is gone, -EACCES if it may be where we may not look, or
 * another -errno. One that only has its inode is told when it is entered. */
int applied__find(const struct applied *a, struct netns *ns);

/* Enters it; into `ns` what was entered. A descriptor for netns__leave(), -ESTALE if another one has its
 * inode, so that it is gone, -ENOENT if it is not to be seen, which does not say that, or as above. */
int applied__enter(const struct applied *a, struct netns *ns);

/* netns__open(), but that inode:N,cookie:N is looked for at its saved path, too. */
int applied__open(const char *directory, const char *address, struct netns *ns);

/* Replaces what is known, at once or not at all, and for good. Returns 0 or -errno. */
int applied__save(const char *directory, const struct applied *a);
int applied__forget(const char *directory, uint32_t key);

/* Keeps what is known now, if anything is, under a second name, so that going back to it needs no room on
 * the disk; and goes back. Return 0; -ENOENT if nothing was kept, or another -errno. */
int applied__set_aside(const char *directory, uint32_t key);
int applied__restore(const char *directory, uint32_t key);

/* Is it this change that is known? False, too, where that cannot be read. */
bool applied__is_known(const char *directory, uint32_t key, uint64_t id);

/* Keys of all namespaces of which something is known, sorted; how many, at most `size`. */
unsigned int applied__list(const char *directory, uint32_t *keys, unsigned int size);

/* What is known once its trial was taken back: an earlier change, which can still be reverted, or
 * nothing: false. */
bool applied__end_trial(struct applied *a);

enum taken_back { TAKEN_BACK, WAS_BACK, CHANGED_BY_OTHERS, NOT_OURS };

/*
 * Puts back, in the namespace that this thread is in, each value that is still what we wrote;
 * `results` and `found` (the values as they were) have one place a tunable. Returns 0 or the -errno
 * of the first that could not be written; the others are tried all the same.
 */
int applied__take_back(const struct applied *a, enum taken_back results[TUNABLES],
		       int32_t found[TUNABLES]);

/* CLOCK_BOOTTIME, which goes on while the machine sleeps, as the host's first time namespace has it. */
int64_t applied__now_s(void);

#endif
