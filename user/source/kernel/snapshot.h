/* SPDX-License-Identifier: GPL-2.0 */
/* Iterators over the sockets that are open now: those that processes hold, those of one network
 * namespace, and the table of all connections. */
#ifndef HALFOPEN_SOURCE_KERNEL_SNAPSHOT_H
#define HALFOPEN_SOURCE_KERNEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"
#include "kernel/support.h"
#include "sys/netns.h"

struct snapshot;

/* The jobs of the iterators, to be tried with a snapshot_config. */
extern const struct support_object snapshot_trial;
#define SNAPSHOT_PARTS 4

struct snapshot_config {
	const struct btf *btf;	/* this kernel's */
	uint64_t own_cookie;	/* of a socket of ours to learn from */
};

/* Takes one row; a negative return ends the pass with it. */
typedef int (*row_fn)(void *context, const struct ho_row *row);
typedef int (*holder_fn)(void *context, const struct ho_holder *holder);
/* Called all the while, between rows; a negative return ends the pass with it. */
typedef int (*between_fn)(void *context);

/* Loads the iterators that this kernel takes. Returns 0 or -errno; what failed was logged. */
int snapshot__open(const struct btf *btf, struct snapshot **snapshot);
void snapshot__close(struct snapshot *snapshot);

/* Reads from a socket of our own how this kernel's keepalive timer is found, and its HZ; once.
 * Returns 0 or -errno, logged. */
int snapshot__learn(struct snapshot *snapshot, struct ho_learned *learned, unsigned int *hz);

/* The same for who makes a pass, and looks at no timer: kallsyms is not asked whether it agrees. */
int snapshot__find_table(struct snapshot *snapshot, unsigned int *hz);

/* Connections that a process holds, whatever their namespace, and besides (`dead`) sockets in
 * TCP_CLOSE that were some; of processes that we can see (ours is their PID namespace, or an outer
 * one), and none where the kernel does not tell. Each is given a cookie, and that is all where `fn`
 * is NULL. */
int snapshot__held(struct snapshot *snapshot, bool dead, row_fn fn, void *context);

/* Whose those connections are, and nothing else: a walk that takes less. Several processes may hold one
 * socket: all are told. Each socket is given a cookie. */
int snapshot__owners(struct snapshot *snapshot, holder_fn fn, void *context);

/*
 * Sockets of the network namespace that this thread is in, whoever holds them, without owners; and
 * besides (`waiting`), with nothing but their own end, listeners with TCP_DEFER_ACCEPT and the
 * handshakes that are complete (deferred.h). Each is given a cookie; where that fails, `*complete`
 * is cleared.
 */
int snapshot__in_netns(struct snapshot *snapshot, bool waiting, row_fn fn, void *context,
		       bool *complete);

/* Does that tell each of them, and once, while others come and go? Kernels before "exactly-once
 * socket iteration" (f5080f612a1c) may skip one whose bucket changes. */
bool snapshot__is_exact(const struct snapshot *snapshot);

/* What is told of the table of all connections. */
struct snapshot_wanted {
	bool known;	/* sockets that have a cookie */
	bool unknown;	/* those without: cookie 0, and nothing but state and namespace */
	bool waiting;	/* with `unknown`, handshakes that are complete: the same */
	bool lean;	/* of each what struct exposure is made of, and no more */
};

/*
 * Sockets of all network namespaces that have the table of connections in common with ours,
 * whoever holds them, without owners. Who is in it all the while is told, at least once. `*whole`
 * tells whether it was read to its end; returns what `fn` or `between` ended it with, else 0. Not
 * without snapshot__has_table().
 */
int snapshot__table(struct snapshot *snapshot, const struct snapshot_wanted *wanted, row_fn fn,
		    between_fn between, void *context, bool *whole);
bool snapshot__has_table(const struct snapshot *snapshot);

/* TCP sockets of the whole host, from /proc/net/sockstat; 0 if it does not say. */
size_t snapshot__count_sockets(void);

#endif
