/* SPDX-License-Identifier: GPL-2.0 */
/* Passes over the sockets that are open now: in all namespaces, with their owners. */
#ifndef HALFOPEN_SOURCE_SNAPSHOT_H
#define HALFOPEN_SOURCE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"
#include "netns.h"
#include "trial.h"

struct snapshot;

/* The jobs of the iterators, to be tried with a snapshot_config. */
extern const struct trial_object snapshot_trial;
#define SNAPSHOT_PARTS 3

struct snapshot_config {
	const struct btf *btf;	/* this kernel's */
	uint64_t own_cookie;	/* of a socket of ours to learn from */
};

/* Takes one row; a negative return ends the pass with it. */
typedef int (*row_fn)(void *context, const struct ho_row *row);
/* A namespace that the pass has entered, and the sysctls it read there; a negative return ends the
 * pass with it. */
typedef int (*netns_fn)(void *context, const struct netns *ns, const struct keepalive_sysctl *s);

/* Loads the iterators that this kernel takes. Returns 0 or -errno; what failed was logged. */
int snapshot__open(const struct btf *btf, struct snapshot **snapshot);
void snapshot__close(struct snapshot *snapshot);

/* Reads from a socket of our own how this kernel's keepalive timer is found, and its HZ; once.
 * Returns 0 or -errno, logged. */
int snapshot__learn(struct snapshot *snapshot, struct ho_learned *learned, unsigned int *hz);

/* Connections that a process holds, whatever their namespace, and besides (`dead`) sockets in
 * TCP_CLOSE that were some; of processes that we can see (ours is their PID namespace, or an outer
 * one), and none where the kernel does not tell. */
int snapshot__held(struct snapshot *snapshot, bool dead, row_fn fn, void *context);

/*
 * Sockets namespace by namespace, whoever holds them, without owners; and besides (`waiting`), with
 * nothing but their own end, listeners with TCP_DEFER_ACCEPT and the handshakes that are complete
 * (deferred.h). Without CAP_SYS_ADMIN only our own namespace's. `*complete` tells whether every
 * namespace was read.
 */
int snapshot__by_netns(struct snapshot *snapshot, bool waiting, row_fn fn, netns_fn entered,
		       void *context, bool *complete);

/* Does a walk over a namespace's sockets tell each of them, and once, while others come and go? Kernels
 * before that ("exactly-once socket iteration", f5080f612a1c) may skip one whose bucket changes. */
bool snapshot__is_exact(const struct btf *btf);

/* Tells of each namespace (`named`: of those that have a name) that is wanted and can be entered,
 * and of no socket. Returns 0 or -errno. */
int snapshot__namespaces(bool named, bool (*wanted)(void *context, const struct netns *ns),
			 netns_fn entered, void *context);

/* TCP sockets of the whole host, from /proc/net/sockstat; 0 if it does not say. */
size_t snapshot__count_sockets(void);

#endif
