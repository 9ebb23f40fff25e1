/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks on a namespace for each kind of work. One file "lock" in the directory where changes are
 * saved, locked by fcntl(2) at one byte for each namespace and kind: the kernel releases it however
 * a process ends, and knows the holder.
 */
#ifndef HALFOPEN_ACT_LOCK_H
#define HALFOPEN_ACT_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum lock_work {
	LOCK_CHANGE,	/* writes values and their saved state: milliseconds; no question is asked
			 * and nothing printed meanwhile */
	LOCK_REARM,	/* re-arms sockets: may take hours, stops once its change is no longer
			 * saved */
	LOCK_GUARD,	/* waits for the end of a trial; both twins hold it */
};

/* Returns a descriptor or -errno. Closing any descriptor of the file releases all locks of this
 * process: so open it once. */
int lock__open(const char *directory);

/* The same, and makes the directory where there is none. */
int lock__make(const char *directory);

/* For reading only, which lets the file system be remounted read-only meanwhile; the file must
 * exist. */
int lock__open_for_reading(const char *directory);

/* Locks namespace `netns` (the key under which it is saved). Returns 0, -EWOULDBLOCK if another
 * process holds the lock, or -errno. Guards share theirs. Where the file is open for reading only,
 * the lock excludes those that may write. */
int lock__try(int fd, uint32_t netns, enum lock_work work);
void lock__release(int fd, uint32_t netns, enum lock_work work);

struct lock_holder {
	pid_t pid;	/* 0: it cannot be seen from here */
	char comm[16];	/* "" = not known */
	char since[24];	/* when it began, in local time; "" = not known */
};

/* Finds another process that holds this lock; false if there is none. */
bool lock__find_holder(int fd, uint32_t netns, enum lock_work work, struct lock_holder *holder);

#endif
