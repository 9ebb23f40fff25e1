/* SPDX-License-Identifier: GPL-2.0 */
/* A unix socket that we listen at, for us alone (mode 0600), and never in another program's place. */
#ifndef HALFOPEN_SYS_LISTENING_SOCKET_H
#define HALFOPEN_SYS_LISTENING_SOCKET_H

#include <sys/types.h>

struct listening_socket {
	int fd;		/* does not block; -1: none */
	const char *path;
	dev_t device;	/* what was made there */
	ino_t inode;
};

/*
 * Binds `path` (which outlives it), and listens. A socket that is there already is replaced where
 * nobody has it any more, as after a run that was killed; anything else is left alone. Returns 0,
 * or -errno; `*refused` says in words what is there, or is left as it is.
 */
int listening_socket__open(struct listening_socket *s, const char *path, int backlog,
			   const char **refused);

/* Closes it and removes what it had made, if it is still that. */
void listening_socket__close(struct listening_socket *s);

#endif
