/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opening what an operator names, as root perhaps: what is written is for nobody else, and nobody else
 * chooses where it goes, or what is read back. As the kernel's fs.protected_* have it for directories that
 * everybody may write to, but whatever they are set to, and with the reason in words.
 */
#ifndef HALFOPEN_FILE_PRIVATE_FILE_H
#define HALFOPEN_FILE_PRIVATE_FILE_H

/*
 * Makes it with mode 0600, or opens it without emptying it. Links, on the way, too, are followed if they are ours
 * or root's; a regular file must be, too, and must have one name only where others may make names; a FIFO
 * there must be ours or root's; a block device is never opened. A FIFO without a reader is waited
 * for, with a word. /dev/stdout, /dev/fd/N and the like are another descriptor of what we were started with.
 * Returns a descriptor of the caller's own; -EINVAL, and in `*refused` what it is, if it is refused;
 * or -errno.
 */
int private_file__open(const char *path, const char **refused);

/* Opens what only we, or root, can have written: a regular file with one name, and no link. Returns a
 * descriptor, -EBADMSG if it is none, or -errno. */
int private_file__open_to_read(const char *path);

/* Why what lies in a directory cannot be believed, in words that stay until the next call; NULL: it is
 * ours or root's, nobody else may write there, nor put another in the place of it, of a directory above
 * it or of a link on the way; or it is not there yet. `directory` is an absolute path. */
const char *private_directory__refused(const char *directory);

/* The number of the descriptor that the path names (/dev/stdout, /proc/self/fd/7), -1: none. */
int private_file__descriptor(const char *path);

#endif
