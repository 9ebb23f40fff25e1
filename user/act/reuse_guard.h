/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts SO_REUSEADDR of a socket back if this process dies between the call that clears it and the
 * one that puts it back. The guard is a process of its own, in a session of its own, that shares
 * our table of descriptors: so the descriptor survives us, and it need not find the socket again. A
 * SIGKILL for a whole control group is the one that ends both within those microseconds.
 */
#ifndef HALFOPEN_ACT_REUSE_GUARD_H
#define HALFOPEN_ACT_REUSE_GUARD_H

#include <stdbool.h>

struct reuse_guard;

/* Starts it while this process has one thread. Returns 0 or -errno. Descriptors that are open
 * now stay open until reuse_guard__end(), or until a moment after this process has died. */
int reuse_guard__start(struct reuse_guard **guard);

/* Between these two calls SO_REUSEADDR of `fd` is to be put back to on. One at a time. `begin`
 * starts another guard where the last one was killed; false: there is none, and nothing may be
 * cleared. */
bool reuse_guard__begin(struct reuse_guard *g, int fd);
void reuse_guard__done(struct reuse_guard *g);

/* Ends the guard. */
void reuse_guard__end(struct reuse_guard *g);

#endif
