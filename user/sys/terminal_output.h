/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes for a terminal that may stand still (^S, a line that hangs): nobody waits for it. One at a
 * time. */
#ifndef HALFOPEN_SYS_TERMINAL_OUTPUT_H
#define HALFOPEN_SYS_TERMINAL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the terminal that `fd` is once more, without blocking. Returns the descriptor, or -errno.
 */
int terminal_output__open(int fd);

/* What a library writes to `from`, a file in memory, goes to the terminal, after what still waits.
 */
void terminal_output__move(int from);

/* Writes as much as the terminal takes now. True if nothing waits any more. */
bool terminal_output__flush(void);

/* The same for at most so many milliseconds; then the rest is dropped. */
void terminal_output__end(int timeout_ms);

void terminal_output__close(void);

#endif
