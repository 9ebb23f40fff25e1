/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of sockets that the filter cannot decide on yet: their owner, their namespace's name or
 * their device is not known, or their state may change the decision. They are taken once it is
 * decided, and until then they are neither emitted nor recorded nor counted. Memory is bounded:
 * beyond it the socket that has waited longest is dropped, with all its records, and begins later
 * if it is wanted after all.
 */
#ifndef HALFOPEN_CORE_WITHHELD_H
#define HALFOPEN_CORE_WITHHELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/record.h"

/* Bytes of memory, all together, and records of one socket. */
#define WITHHELD_MAX (16U << 20)
#define WITHHELD_RECORDS_MAX 256

struct withheld_record {
	struct withheld_record *next;
	uint64_t encoded[];
};

struct withheld_socket {
	uint64_t cookie;
	uint64_t ended_ns;	/* 0: it is open */
	struct withheld_socket *older, *younger;
	struct withheld_record *first, *last, *last_event;
	uint32_t count;
	size_t bytes;
};

struct withheld {
	struct withheld_socket **places;	/* by their cookies */
	size_t size, used, bytes;
	struct withheld_socket *oldest, *youngest;
};

/* Adds a record of this socket, an event (first) or a loss; its last one if it `ends`. Where memory
 * is short, or one socket has too many, none of its records is kept: half of them would describe
 * another history. */
void withheld__add(struct withheld *w, uint64_t cookie, const struct record *r, bool ends);

/* NULL: nothing is kept of it. */
struct withheld_socket *withheld__find(const struct withheld *w, uint64_t cookie);

/* Its latest event. */
struct ho_event withheld__latest(const struct withheld_socket *socket);

/* Its records, in their order, which are the caller's to free one by one; NULL: none. */
struct withheld_record *withheld__take(struct withheld *w, uint64_t cookie);

void withheld__drop(struct withheld *w, uint64_t cookie);
void withheld__free(struct withheld *w);

#endif
