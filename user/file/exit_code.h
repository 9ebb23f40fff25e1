/* SPDX-License-Identifier: GPL-2.0 */
/* Exit codes of the program, and which one an input or output error gives. */
#ifndef HALFOPEN_FILE_EXIT_CODE_H
#define HALFOPEN_FILE_EXIT_CODE_H

/* Exit codes that other programs rely on. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,	/* while running */
	EXIT_USAGE = 2,		/* or bad input */
	EXIT_FOUND = 3,
	EXIT_LOST = 4,		/* events, under --strict */
	EXIT_NOT_KNOWN = 5,	/* whether a peer is reachable */
	EXIT_NOT_PERMITTED = 77,
};

/* For an input that could not be opened or read (-errno): bad input, or a failure of ours. */
int exit_code__of_input(int err);

struct output;

/* Closes an output; `err` is its result so far (0 or -errno). Returns `code` if all was written or
 * the reader went away; else reports why not. */
int exit_code__of_output(struct output *o, int err, int code);

#endif
