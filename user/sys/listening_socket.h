/* SPDX-License-Identifier: GPL-2.0 */
/* A unix socket that we listen on, private (mode 0600), which never replaces another program's. */
#ifndef HALFOPEN_SYS_LISTENING_SOCKET_H
#define HALFOPEN_SYS_LISTENING_SOCKET_H

#include <sys/types.h>

struct listening_socket {
	int fd;		/* does not block; -1: none */
	const char *path;
	dev_t device;	/* of the file that was made */
	ino_t inode;
};

/*
 * Binds `path` (which outlives it), and listens. An existing socket is replaced where no program
 * has it any more, as after a run that was killed; anything else is left alone. Returns 0, or
 * -errno; `*refused` is the reason in words, or is unchanged.
 */
int listening_socket__open(struct listening_socket *s, const char *path, int backlog,
			   const char **refused);

/* Closes it and removes the file, if it is still the one that was made. */
void listening_socket__close(struct listening_socket *s);

#endif
