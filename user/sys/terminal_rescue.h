/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gives the terminal back in its former state, however a full-screen program ends: by itself, by a
 * crash (a signal handler does it), or by SIGKILL (a process of its own waits for our death).
 * Meanwhile messages on a standard error that is a terminal, too, are kept for later.
 */
#ifndef HALFOPEN_SYS_TERMINAL_RESCUE_H
#define HALFOPEN_SYS_TERMINAL_RESCUE_H

#include <stdbool.h>
#include <stddef.h>

#define RESCUE_SEQUENCE_SIZE 256

struct rescue_config {
	int in, out;			     /* descriptors of the terminal */
	char sequence[RESCUE_SEQUENCE_SIZE]; /* what leaves full screen */
	size_t length;
};

/* Remembers the terminal's present state, and watches over it from now on; once for a process.
 * Returns 0 or -errno. */
int terminal_rescue__begin(const struct rescue_config *config);

/* The terminal is taken: from now on there is something to give back. */
void terminal_rescue__take(void);

/* Gives it back, if it is taken. */
void terminal_rescue__give_back(void);

/* The last line of what was said on standard error since the last call, at most `size` bytes; "":
 * nothing. */
void terminal_rescue__take_message(char *line, size_t size);

/* Gives the terminal back, for good, and says what standard error was told meanwhile. */
void terminal_rescue__end(void);

#endif
