/* SPDX-License-Identifier: GPL-2.0 */
/* What apply and revert begin with: a namespace, and nobody else at work. Exit codes; what failed
 * was logged. */
#ifndef HALFOPEN_CMD_CHANGING_H
#define HALFOPEN_CMD_CHANGING_H

#include "netns.h"

/* Enters the namespace that --netns addresses, with NULL our own, and tells inode, cookie and name of
 * what was entered; `*back` is for netns__leave(). To be called when nobody else is at work any more: a
 * name may be another one's by then. */
int changing__enter(const char *text, struct netns *ns, int *back);

/* The same of one that was found already. */
int changing__enter_found(struct netns *ns, int *back);

/* netns__address(), as a word for a shell. */
const char *changing__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE]);

/* The command that takes back what is applied in `ns` (NULL: in our own) and saved in `directory`, whole
 * and quoted for a shell. */
#define CHANGING_COMMAND_SIZE 1024
const char *changing__revert_command(const struct netns *ns, const char *directory,
				     char command[CHANGING_COMMAND_SIZE]);

/* `*lock` is to be closed when all is done. */
int changing__lock(const char *directory, int *lock);

/* Of a -errno: not permitted, or failed. */
int changing__exit_code(int err);

#endif
