/* SPDX-License-Identifier: GPL-2.0 */
/* Small files that are replaced atomically and durably. */
#ifndef HALFOPEN_FILE_ATOMIC_FILE_H
#define HALFOPEN_FILE_ATOMIC_FILE_H

#include <sys/types.h>

/* Writes a file with this text and mode under this name, durably. An existing one is replaced,
 * never followed. Returns 0 or -errno: then the former one is still there. */
int atomic_file__replace(const char *directory, const char *name, const char *text, mode_t mode);

/* Removes it durably; it may not exist. Returns 0 or -errno. */
int atomic_file__remove(const char *directory, const char *name);

/* Removes the temporary file of a writer that was killed. */
void atomic_file__clear(const char *directory, const char *name);

#endif
