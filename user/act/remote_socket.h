/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TCP socket of another process, through a descriptor of ours (pidfd_getfd(2)). Whoever closes
 * last closes the connection, so it is held for some microseconds: nothing that waits is done
 * meanwhile.
 */
#ifndef HALFOPEN_ACT_REMOTE_SOCKET_H
#define HALFOPEN_ACT_REMOTE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "act/askable.h"
#include "ask.h"

/* A new descriptor of it in `*fd`, which the caller closes. -errno where no more can be had at
 * all (EMFILE, ENOSYS before 5.6), else an enum askable: ASKABLE_MOVED where the process has
 * another file under that number by now. */
int remote_socket__open(const struct ho_descriptor *d, int *fd);

/*
 * Keeps other processes that do the same away until `fd`, or any other descriptor of the socket in
 * this process, is closed. False where another has it for longer than its two calls take. It is a
 * POSIX lock, which is of a process and the socket: nothing that the socket's own program would
 * see.
 */
bool remote_socket__lock(int fd);

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
