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
#define SNAPSHOT_PARTS 5

struct snapshot_config {
	struct kernel_btf *btf;	/* this kernel's */
	uint64_t own_cookie;	/* of a socket of ours to learn from */
};

/* Takes one row; a negative return ends the pass with it. */
typedef int (*row_fn)(void *context, const struct ho_row *row);
typedef int (*holder_fn)(void *context, const struct ho_holder *holder);
/* Some rows before it is taken: asks memory for what the taker will read. */
typedef void (*soon_fn)(void *context, const struct ho_row *row);
/* Called between rows; a negative return ends the pass with it. */
typedef int (*between_fn)(void *context);

/* Loads the iterators that this kernel accepts. Returns 0 or -errno; failures are logged. */
int snapshot__open(struct kernel_btf *btf, struct snapshot **snapshot);
void snapshot__close(struct snapshot *snapshot);

/* Learns from a socket of our own how this kernel's keepalive timer is found, and its HZ; once.
 * Returns 0 or -errno, logged. */
int snapshot__learn(struct snapshot *snapshot, struct ho_learned *learned, unsigned int *hz);

/* The same for passes, which read no timer: the offset is not compared with kallsyms. */
int snapshot__find_table(struct snapshot *snapshot, unsigned int *hz);

/* Connections that a process holds, in any namespace, and (`dead`) sockets in TCP_CLOSE that were
 * connected; of processes that we can see (those of our PID namespace and inner ones), and none
 * where the kernel does not show them. Each is given a cookie, and nothing else is done where `fn`
 * is NULL. */
int snapshot__held(struct snapshot *snapshot, bool dead, row_fn fn, void *context);

/* Those alone that are in TCP_CLOSE and were connected. */
int snapshot__dead(struct snapshot *snapshot, row_fn fn, void *context);

/* Only the owners of those connections: a cheaper walk. Several processes may hold one socket: each
 * is a call, and a call may be repeated. Each socket is given a cookie. */
int snapshot__owners(struct snapshot *snapshot, holder_fn fn, void *context);

/* Is that walk cheap on this kernel? Then it also notices dead sockets behind their files: did the
 * last one? */
bool snapshot__has_owners(const struct snapshot *snapshot);
bool snapshot__met_dead(const struct snapshot *snapshot);

/*
 * Sockets of this thread's network namespace, whichever process holds them, without owners; and
 * (`waiting`), with only their local end, listeners with TCP_DEFER_ACCEPT and complete handshakes
 * (deferred.h). Each is given a cookie; where that fails, `*complete` is cleared.
 */
int snapshot__in_netns(struct snapshot *snapshot, bool waiting, row_fn fn, void *context,
		       bool *complete);

/* Does that report each socket exactly once while others come and go? Kernels before "exactly-once
 * socket iteration" (f5080f612a1c) may skip one whose bucket changes. */
bool snapshot__is_exact(const struct snapshot *snapshot);

/* The rows wanted from the table of all connections. */
struct snapshot_wanted {
	bool known;	/* sockets that have a cookie */
	bool unknown;	/* those without: cookie 0, and nothing but state and namespace */
	bool waiting;	/* with `unknown`, handshakes that are complete: the same */
	bool lean;	/* of each what struct exposure is made of, and no more */
	bool untimed;	/* their times are exact to a jiffy */
	soon_fn soon;	/* NULL: not needed */
};

/*
 * Sockets of all network namespaces that share our table of connections, whichever process holds
 * them, without owners. A socket that is in it all the while is reported, at least once. `*whole`:
 * was it read to its end? Returns the error of `fn` or `between`, else 0. Requires
 * snapshot__has_table().
 */
int snapshot__table(struct snapshot *snapshot, const struct snapshot_wanted *wanted, row_fn fn,
		    between_fn between, void *context, bool *whole);
bool snapshot__has_table(const struct snapshot *snapshot);

/* Are the sockets of the namespace which this thread is in among them? Not if it was created with a table
 * of its own (tcp_child_ehash_entries, 6.1), or where that cannot be told. Requires
 * snapshot__has_table(). */
bool snapshot__is_in_table(struct snapshot *snapshot);

/* TCP sockets of the whole host, from /proc/net/sockstat; 0 if it has no number. */
size_t snapshot__count_sockets(void);

#endif
