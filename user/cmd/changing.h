/* SPDX-License-Identifier: GPL-2.0 */
/* What apply and revert begin with: a namespace, and nobody else at work. Exit codes; what failed
 * was logged. */
#ifndef HALFOPEN_CMD_CHANGING_H
#define HALFOPEN_CMD_CHANGING_H

#include "netns.h"

/* The namespace that --netns names; our own with NULL. */
int changing__find_netns(const char *text, struct netns *ns);

/* `ns` could not be entered, -errno. */
int changing__cannot_enter(const struct netns *ns, int err);

/* `*lock` is to be closed when all is done. */
int changing__lock(const char *directory, int *lock);

/* Of a -errno: not permitted, or failed. */
int changing__exit_code(int err);

#endif
