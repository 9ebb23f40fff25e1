/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TCP socket of another process, through a descriptor of ours (pidfd_getfd(2)). Whoever closes
 * last closes the connection, so it is held for some microseconds: nothing that waits is done
 * meanwhile, and a guard closes it where this process is stopped.
 */
#ifndef HALFOPEN_ACT_REMOTE_SOCKET_H
#define HALFOPEN_ACT_REMOTE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "act/askable.h"
#include "ask.h"

struct reuse_guard;

/* A new descriptor of it in `*fd`, for remote_socket__close(). -errno where no more can be had at
 * all (EMFILE, ENOSYS before 5.6, ECHILD without a guard), else an enum askable: ASKABLE_MOVED
 * where the process has another file under that number by now. One at a time. */
int remote_socket__open(const struct ho_descriptor *d, struct reuse_guard *guard, int *fd);

/* Whatever its program does meanwhile, that takes no longer than some milliseconds. False: the
 * guard did it before, as reuse_guard__release() has it. */
bool remote_socket__close(int fd, struct reuse_guard *guard);

/*
 * Keeps other processes that do the same away until `fd`, or any other descriptor of the socket in
 * this process, is closed. Returns 0, or without waiting the process that has it, or -1 where that
 * one cannot be told. It is a POSIX lock, which is of a process and the socket: a program that
 * locks its own sockets keeps us away.
 */
pid_t remote_socket__lock(int fd);

struct remote_facts {
	uint8_t state;		/* TCP_ESTABLISHED ... */
	bool in_repair;
	bool data_under_way;	/* sent and not acknowledged */
	uint64_t bytes_acked;
	uint64_t heard_ns;	/* CLOCK_MONOTONIC, by the kernel's jiffies */
	uint32_t probe_bytes;	/* of a segment without data, with its IP header */
};

/* Returns 0 or -errno. */
int remote_socket__read(int fd, struct remote_facts *facts);

#endif
