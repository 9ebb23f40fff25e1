/* SPDX-License-Identifier: GPL-2.0 */
/* Opening what an operator names as input. */
#ifndef HALFOPEN_SOURCE_INPUT_FILE_H
#define HALFOPEN_SOURCE_INPUT_FILE_H

#include <sys/types.h>

/*
 * Opens `name` for reading; "-" is standard input. A FIFO that has no writer yet is waited for,
 * with a word. Returns a descriptor of the caller's own, or -errno after saying what is wrong and
 * what was expected ("a recording of 'watch -w'").
 */
int input_file__open(const char *name, const char *expected);

/* "is a directory", of one that cannot be read as a stream of bytes; else NULL. */
const char *input_file__refused(mode_t mode);

#endif
