/* SPDX-License-Identifier: GPL-2.0 */
/* Opens a file that an operator names as input. */
#ifndef HALFOPEN_FILE_INPUT_FILE_H
#define HALFOPEN_FILE_INPUT_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens `name` for reading; "-" is standard input. A FIFO that has no writer yet is waited for,
 * with a message. Returns a descriptor of the caller's own, or -errno after reporting what is wrong
 * and what was expected ("a recording of 'watch -w'").
 */
int input_file__open(const char *name, const char *expected);

/* "is a directory", for a file that cannot be read as a stream of bytes; else NULL. */
const char *input_file__refused(mode_t mode);

/* Is it /dev/zero or another endless device? For callers that read to the end; logged. */
bool input_file__is_endless(int fd, const char *shown, const char *expected);

#endif
