/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts SO_REUSEADDR of a socket back if this process dies, or is stopped (SIGSTOP), between the
 * call that clears it and the one that puts it back; and closes our descriptor of the socket if we
 * are stopped with it, as its program's own close would say goodbye to nobody until we go on. The
 * guard is a process of its own, in a session of its own, that shares our table of descriptors: so
 * the descriptor survives us, and it need not find the socket again. What kills or stops a whole
 * control group within those microseconds gets both.
 */
#ifndef HALFOPEN_ACT_REUSE_GUARD_H
#define HALFOPEN_ACT_REUSE_GUARD_H

#include <stdbool.h>

struct reuse_guard;

/* Starts it while this process has one thread. Returns 0 or -errno. Descriptors that are open
 * now stay open until reuse_guard__end(), or until a moment after this process has died. */
int reuse_guard__start(struct reuse_guard **guard);

/* Starts another guard where the last one was killed. False: there is none, and nothing may be
 * held. */
bool reuse_guard__is_there(struct reuse_guard *g);

/* From here to reuse_guard__release() `fd` is held: the guard closes it if that takes 50 ms or
 * more. One at a time. */
void reuse_guard__hold(struct reuse_guard *g, int fd);

/* From here on SO_REUSEADDR of it is to be put back to on. False: the guard has taken it over. */
bool reuse_guard__clears(struct reuse_guard *g);

/* The caller closes it. False: the guard has taken it over and closed it, and what was done with it
 * in between may have failed, or have come after SO_REUSEADDR was put back. */
bool reuse_guard__release(struct reuse_guard *g);

/* Ends the guard. */
void reuse_guard__end(struct reuse_guard *g);

#endif
