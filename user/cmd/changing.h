/* SPDX-License-Identifier: GPL-2.0 */
/* What apply and revert begin with: a namespace, and nobody else at work. Exit codes; what failed
 * was logged. */
#ifndef HALFOPEN_CMD_CHANGING_H
#define HALFOPEN_CMD_CHANGING_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "act/lock.h"
#include "sys/netns.h"

/* Enters the namespace that --netns addresses, with NULL our own, and tells inode, cookie and name
 * of what was entered; `*back` is for netns__leave(). What is saved in `directory` knows paths. */
int changing__enter(const char *directory, const char *text, struct netns *ns, int *back);

/* Of one that was found already, and the -errno of entering it. Returns an exit code. */
int changing__say_not_entered(const struct netns *ns, int err);

/* Does --netns still address it, now that nobody else is at work? A pod may have been restarted. */
int changing__check_address(const char *directory, const char *text, const struct netns *ns);

/* netns__address(), as a word for a shell. */
const char *changing__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE]);

#define CHANGING_COMMAND_SIZE 1024

/* Whom else's work on a namespace keeps out. */
struct changing_lock {
	int file;	/* of lock.h */
	uint32_t inode;
	FILE *held_out, *held_err;	/* what is said meanwhile */
	char *out, *err;
	size_t out_size, err_size;
};

/* Opens it, for the namespace with this inode; nobody is kept out yet. `must` does without it where
 * it cannot be made: then nobody can change what is saved, either. */
int changing__open_lock(const char *directory, uint32_t inode, bool must, struct changing_lock *l);
void changing__close_lock(struct changing_lock *l);

/* Nobody else changes this namespace until changing__unlock(): whoever does is named and waited
 * for, half a minute. What is said meanwhile comes at the unlock: a terminal that stands still holds
 * nobody up. `must` goes on then all the same: whoever stands still finds out when he goes on. */
int changing__lock(struct changing_lock *l, bool must);
void changing__unlock(struct changing_lock *l);

/* "pid 812 (halfopen, since 2026-01-02 03:04:05)" of whoever holds it; false if nobody does. */
#define CHANGING_HOLDER_SIZE 160
bool changing__holder(const struct changing_lock *l, enum lock_work work,
		      char text[CHANGING_HOLDER_SIZE]);

/* "halfopen revert", "halfopen apply --keep" for `ns` and what is saved in `directory`,
 * whole and quoted for a shell. */
const char *changing__command(const char *verb, const struct netns *ns, const char *directory,
			      char command[CHANGING_COMMAND_SIZE]);

/* The directory's path from the root on, in its place: `path`, where it was not that already. Refused where
 * what lies in it cannot be believed. */
#define CHANGING_STATE_MAX 255	/* bytes of it */
int changing__take_state(const char **directory, char path[PATH_MAX]);

/* Of a -errno: not permitted, failed, or a place that sysctl.d is not of. */
int changing__exit_code(int err);

#endif
