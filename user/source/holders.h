/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who held each socket when the last pass looked: a pass over a million sockets then tells only
 * what is new, and a socket that was handed on, or whose process became another program, is told
 * again. Of several processes that hold one socket, the first in the order of the pass (that of
 * process ids) is its owner, as long as it does.
 */
#ifndef HALFOPEN_SOURCE_HOLDERS_H
#define HALFOPEN_SOURCE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Eight bytes a socket: 40 bits of its cookie, 23 of its holder, and which pass saw it last. */
struct holders {
	uint64_t *entries;
	size_t size, used;
	bool odd;	/* the present pass, or the last one */
};

/* Around a pass over all held sockets. */
void holders__begin(struct holders *h);
void holders__end(struct holders *h);

/* Is it told for the first time that this process holds the socket? False where memory is short:
 * then the owner stays unknown. `comm` has 16 bytes. */
bool holders__is_news(struct holders *h, uint64_t cookie, uint32_t pid, const char *comm);

void holders__free(struct holders *h);

#endif
