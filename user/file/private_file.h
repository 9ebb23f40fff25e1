/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opening files that an operator names, perhaps as root: what is written is private, and no other
 * user chooses where it goes or what is read back. As the kernel's fs.protected_* do for
 * directories that everybody may write to, but independent of their setting, and with the reason in
 * words.
 */
#ifndef HALFOPEN_FILE_PRIVATE_FILE_H
#define HALFOPEN_FILE_PRIVATE_FILE_H

/*
 * Creates it with mode 0600, or opens it without emptying it. Links, also on the way, are followed
 * if they are ours or root's; so must a regular file be, which must have one name only where others
 * may make names; a FIFO there must be ours or root's; a block device is never opened. A FIFO
 * without a reader is waited for, with a message. /dev/stdout, /dev/fd/N and the like are another
 * descriptor of what we were started with. Returns a descriptor of the caller's own; -EINVAL with
 * the reason in `*refused` if it is refused; or -errno.
 */
int private_file__open(const char *path, const char **refused);

/* Opens a file that only we, or root, can have written: a regular file with one name, no link.
 * Returns a descriptor, -EBADMSG if it is another kind, or -errno. */
int private_file__open_to_read(const char *path);

/* Why files in a directory cannot be trusted, in words that stay until the next call; NULL: it is
 * ours or root's, and no other user may write there, nor replace it, a directory above it or a link
 * on the way; or it does not exist yet. `directory` is an absolute path. */
const char *private_directory__refused(const char *directory);

/* The number of the descriptor that the path names (/dev/stdout, /proc/self/fd/7), -1: none. */
int private_file__descriptor(const char *path);

#endif
