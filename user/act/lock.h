/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is at work on a namespace. One file "lock" in the directory where changes are saved, locked by
 * fcntl(2) at one byte for each namespace and kind of work: the kernel releases it however a process
 * ends, and knows whose it is.
 */
#ifndef HALFOPEN_ACT_LOCK_H
#define HALFOPEN_ACT_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum lock_work {
	LOCK_CHANGE,	/* writes values and what is saved of them: milliseconds; nobody is asked and
			 * nothing is printed meanwhile */
	LOCK_REARM,	/* arms sockets anew: may take hours, stops once its change is not known any
			 * more */
	LOCK_GUARD,	/* waits for the end of a trial; both twins do */
};

/* A descriptor; -errno. Closing any descriptor of the file releases all locks of this process: so open
 * it once. */
int lock__open(const char *directory);

/* The same, and makes the directory where there is none. */
int lock__make(const char *directory);

/* Only for reading, which lets the file system be made read-only meanwhile; it must be there. */
int lock__open_for_reading(const char *directory);

/* Of namespace `netns`, the number under which it is saved. Returns 0, -EWOULDBLOCK if another
 * process has it, or -errno. Guards keep nobody out. Where the file is open for reading only, the
 * lock keeps those out who may write. */
int lock__try(int fd, uint32_t netns, enum lock_work work);
void lock__release(int fd, uint32_t netns, enum lock_work work);

struct lock_holder {
	pid_t pid;	/* 0: it cannot be seen from here */
	char comm[16];	/* "" = not known */
	char since[24];	/* when it began, in local time; "" = not known */
};

/* Another process that has this lock; false if there is none. */
bool lock__find_holder(int fd, uint32_t netns, enum lock_work work, struct lock_holder *holder);

#endif
