/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes of net.ipv4.tcp_keepalive_* that we made and can take back. The former values are on disk
 * before the first new one is written, so that they can be restored however we end. A value that
 * somebody else changes meanwhile is left alone.
 */
#ifndef HALFOPEN_ACT_APPLIED_H
#define HALFOPEN_ACT_APPLIED_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/netns.h"
#include "sys/tunables.h"

#define STATE_DIRECTORY "/var/lib/halfopen"

/* The saved state of one namespace: of this boot or, for the host's, the part that outlived the
 * last. */
struct applied {
	uint32_t netns;		/* applied__key(); 0: nothing was applied */
	uint32_t inode;
	uint64_t cookie; /* netns__cookie(): the inode may be reused by now; 0: not known */
	char name[NETNS_NAME_SIZE];	/* of the namespace, "" = none */
	bool written[TUNABLES];	/* by us; for the others `before` is the value that was found */
	int32_t before[TUNABLES], after[TUNABLES];
	int32_t before_trial[TUNABLES]; /* values after a trial: an earlier change stays */
	int64_t trial_until_s;	/* CLOCK_BOOTTIME; 0: no trial */
	uint64_t id;	/* of this change: shows whether it still stands */
	bool guarded;	/* the trial's guard has answered: no value is written before */
	char path[NETNS_PATH_SIZE];	/* where it was found, absolute; "" = not known */
	bool asked[TUNABLES];	/* requested by the last change: `--keep --persist` writes these */
	/* The content of PERSISTENT_FILE, and the next one: they differ only if we died in
	 * between. */
	struct tunable_values persisted, persisting;
	bool of_earlier_boot;	/* nothing else outlived that */
};

/* The key under which the namespace of this thread is saved: its inode, the same from wherever it
 * is looked at; except for the host's, whose inode changes with a boot of another kernel. */
#define APPLIED_HOST 1		/* no namespace's inodes */
#define APPLIED_CONTAINER 2	/* older versions: any container's process 1 */
uint32_t applied__key(void);

/* "applied-N", "applied-host": the file in which it is kept. */
#define APPLIED_FILE_SIZE 24
const char *applied__file(uint32_t key, char name[APPLIED_FILE_SIZE]);

/* Reads it into `a`; all 0 if nothing is saved, or nothing that outlived a reboot. Returns 0,
 * -EBADMSG if we did not write the file, or -errno. */
int applied__load(const char *directory, uint32_t key, struct applied *a);

/* The same for the namespace of this thread, whose cookie is known; also all 0 if the saved state
 * belongs to an earlier namespace with the same inode. */
int applied__load_of(const char *directory, const struct netns *ns, struct applied *a);

/* Finds the namespace of the change; -ENOENT if it is gone, -EACCES if it may be where we may not
 * look, or another -errno. A mere match of the inode is detected when the namespace is entered. */
int applied__find(const struct applied *a, struct netns *ns);

/* Enters it; `ns` is the namespace that was entered. Returns a descriptor for netns__leave(),
 * -ESTALE if another namespace has its inode, so that it is gone, -ENOENT if it cannot be seen (it
 * may still live), or as above. */
int applied__enter(const struct applied *a, struct netns *ns);

/* As netns__open(), but inode:N,cookie:N is also looked for at its saved path. */
int applied__open(const char *directory, const char *address, struct netns *ns);

/* Replaces the saved state atomically and durably. Returns 0 or -errno. */
int applied__save(const char *directory, const struct applied *a);
int applied__forget(const char *directory, uint32_t key);

/* set_aside() keeps a copy of the saved state under a second name, if there is one, so that going
 * back to it needs no room on the disk; the other goes back. Return 0; -ENOENT if nothing was kept,
 * or another -errno. */
int applied__set_aside(const char *directory, uint32_t key);
int applied__restore(const char *directory, uint32_t key);

/* Is this change the one that is saved? False, too, where that cannot be read. */
bool applied__is_known(const char *directory, uint32_t key, uint64_t id);

/* Keys of all namespaces with saved state, sorted; returns how many, at most `size`. */
unsigned int applied__list(const char *directory, uint32_t *keys, unsigned int size);

/* The state after a trial was taken back: an earlier change, which can still be reverted, or
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

/* CLOCK_BOOTTIME, which continues while the machine sleeps, as the host's first time namespace has
 * it. */
int64_t applied__now_s(void);

#endif
