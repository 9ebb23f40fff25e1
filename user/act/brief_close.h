/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Closes files of other programs without waiting for what they, or whoever serves them, may make
 * the last close wait for.
 */
#ifndef HALFOPEN_ACT_BRIEF_CLOSE_H
#define HALFOPEN_ACT_BRIEF_CLOSE_H

/* A TCP socket: its linger time (SO_LINGER) is cut short, its data go on being sent. */
void brief_close__socket(int fd);

/* Any file: flushing it may wait for a server that never answers (FUSE, NFS). A process of its
 * own, which shares our descriptors, closes it; whoever hangs is left behind. */
void brief_close__file(int fd);

#endif
