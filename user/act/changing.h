/* SPDX-License-Identifier: GPL-2.0 */
/* The beginning of apply and revert: enters the namespace, takes the lock. Exit codes; failures are
 * logged. */
#ifndef HALFOPEN_ACT_CHANGING_H
#define HALFOPEN_ACT_CHANGING_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "act/lock.h"
#include "sys/netns.h"

/* Enters the namespace that --netns addresses, our own for NULL, and reports inode, cookie and name
 * of the one that was entered; `*back` is for netns__leave(). Paths are looked up in
 * `directory`. */
int changing__enter(const char *directory, const char *text, struct netns *ns, int *back);

/* Reports why a namespace that was found could not be entered (-errno). Returns an exit code. */
int changing__say_not_entered(const struct netns *ns, int err);

/* Does --netns still address the same namespace, now that the lock is held? A pod may have been
 * restarted. */
int changing__check_address(const char *directory, const char *text, const struct netns *ns);

/* netns__address(), as a word for a shell. */
const char *changing__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE]);

#define CHANGING_COMMAND_SIZE 1024

/* The lock that keeps others' work on a namespace out. */
struct changing_lock {
	int file;	/* of lock.h */
	uint32_t inode;
	FILE *held_out, *held_err;	/* output that is held back meanwhile */
	char *out, *err;
	size_t out_size, err_size;
};

/* Opens the lock of the namespace with this inode, without taking it. `must` goes on without a lock
 * where the file cannot be made: then no other process can change what is saved, either. */
int changing__open_lock(const char *directory, uint32_t inode, bool must, struct changing_lock *l);
void changing__close_lock(struct changing_lock *l);

/* Takes the lock until changing__unlock(): its holder is named and waited for, half a minute.
 * Output is held back until the unlock: a terminal that stands still delays no other process.
 * `must` goes on after that time all the same: the holder finds its change gone when it
 * continues. */
int changing__lock(struct changing_lock *l, bool must);
void changing__unlock(struct changing_lock *l);

/* "pid 812 (halfopen, since 2026-01-02 03:04:05)" of the holder; false if there is none. */
#define CHANGING_HOLDER_SIZE 160
bool changing__holder(const struct changing_lock *l, enum lock_work work,
		      char text[CHANGING_HOLDER_SIZE]);

/* "halfopen revert", "halfopen apply --keep" for `ns` and `directory`, whole and quoted for a
 * shell. */
const char *changing__command(const char *verb, const struct netns *ns, const char *directory,
			      char command[CHANGING_COMMAND_SIZE]);

/* Makes `*directory` an absolute path, in `path` where it was relative. Refused where its files
 * cannot be trusted. */
#define CHANGING_STATE_MAX 255	/* bytes of it */
int changing__take_state(const char **directory, char path[PATH_MAX]);

/* Of a -errno: not permitted, failed, or a place whose sysctl.d is another one's. */
int changing__exit_code(int err);

#endif
