/* SPDX-License-Identifier: GPL-2.0 */
/* The terminal that a descriptor is, if it is one. */
#ifndef HALFOPEN_SYS_TERMINAL_H
#define HALFOPEN_SYS_TERMINAL_H

#include <stdbool.h>

/* Is it one, and not a dumb one? */
bool terminal__is(int fd);

/* ... on which colours are not unwanted (https://no-color.org)? */
bool terminal__shows_colours(int fd);

/* Its columns; 0: it is none, or does not say. */
unsigned int terminal__columns(int fd);

#endif
