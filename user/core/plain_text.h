/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names that strangers chose (a program's, a device's, a host's) as a terminal may show them, and
 * arguments as a shell may read them.
 */
#ifndef HALFOPEN_CORE_PLAIN_TEXT_H
#define HALFOPEN_CORE_PLAIN_TEXT_H

#include <stddef.h>

/* Into `to` of `size` bytes, cut where they end: whatever a terminal could take for a command or
 * the end of a line stands as \xHH, and so does what is no UTF-8. Returns `to`. */
const char *plain_text__of(const char *from, char *to, size_t size);

/* The same for a host name: whatever is no letter, digit, '-', '.' or '_' stands as \xHH, so that
 * nobody writes anything else into a line. */
const char *plain_text__of_host(const char *from, char *to, size_t size);

/* As one word of a shell's command. */
const char *plain_text__quoted(const char *from, char *to, size_t size);

#endif
