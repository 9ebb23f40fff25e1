/* SPDX-License-Identifier: GPL-2.0 */
/* What apply and revert begin with: a namespace, and nobody else at work. Exit codes; what failed
 * was logged. */
#ifndef HALFOPEN_CMD_CHANGING_H
#define HALFOPEN_CMD_CHANGING_H

#include "netns.h"

/* The namespace that --netns addresses; our own with NULL. */
int changing__find_netns(const char *text, struct netns *ns);

/* Enters it and notes its cookie; `*back` is for netns__leave(). */
int changing__enter(struct netns *ns, int *back);

/* netns__address(), as a word for a shell. */
const char *changing__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE]);

/* `*lock` is to be closed when all is done. */
int changing__lock(const char *directory, int *lock);

/* Of a -errno: not permitted, or failed. */
int changing__exit_code(int err);

#endif
